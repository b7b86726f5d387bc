import { OwnPlaces } from '../../core/streams/streamPlaces.js';

/** The open streams of all workers, by worker, because the streams of a worker end with it. */
export class WorkersPlaces<Worker extends object> {
  readonly #all = new OwnPlaces();
  readonly #of = new Map<Worker, Map<string, number>>();

  take(worker: Worker, family: string, limit: number): boolean {
    if (!this.#all.take(family, limit)) return false;
    const own = this.#of.get(worker) ?? new Map<string, number>();
    this.#of.set(worker, own);
    own.set(family, (own.get(family) ?? 0) + 1);
    return true;
  }

  giveBack(worker: Worker, family: string): void {
    const own = this.#of.get(worker);
    const taken = own?.get(family) ?? 0;
    // Messages from before the end of a worker can arrive after it.
    if (own === undefined || taken === 0) return;
    if (taken === 1) own.delete(family);
    else own.set(family, taken - 1);
    this.#all.giveBack(family);
  }

  /** The worker has ended. */
  forget(worker: Worker): void {
    for (const [family, taken] of this.#of.get(worker) ?? []) {
      for (let i = 0; i < taken; i += 1) this.#all.giveBack(family);
    }
    this.#of.delete(worker);
  }
}
