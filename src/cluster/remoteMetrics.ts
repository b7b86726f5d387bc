import { aggregated } from '../metrics/metrics.js';
import type { Gathered, Scrape } from './messages.js';

/** Scrapes that may be under way at once: each has every worker write down all that it counted. */
const MAX_UNDER_WAY = 16;

/** The metrics of all workers, by way of the primary. */
export class RemoteMetrics {
  readonly #send: (message: Scrape) => void;
  readonly #waiting = new Map<number, (gathered: Gathered) => void>();
  #last = 0;

  constructor(send: (message: Scrape) => void) {
    this.#send = send;
  }

  /** As text. Rejects where a worker does not answer in time; a primary that is gone takes this process with it. */
  async scrape(): Promise<string> {
    if (this.#waiting.size >= MAX_UNDER_WAY) throw new Error('Metrics are being gathered already.');
    const id = (this.#last += 1);
    const { snapshots } = await new Promise<Gathered>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ kind: 'scrape', id });
    });
    if (snapshots === null) throw new Error('A worker did not say what it counted.');
    return aggregated(snapshots);
  }

  /** Takes what the primary gathered. */
  receive(gathered: Gathered): void {
    this.#waiting.get(gathered.id)?.(gathered);
    this.#waiting.delete(gathered.id);
  }
}
