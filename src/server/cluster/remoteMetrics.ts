import { aggregated } from '../metrics/metrics.js';
import type { Gathered, Scrape } from './messages.js';

/** The maximum number of scrapes at the same time, because each collects all counts of every worker. */
const MAX_UNDER_WAY = 16;

/** The metrics of all workers, collected through the primary. */
export class RemoteMetrics {
  readonly #send: (message: Scrape) => void;
  readonly #waiting = new Map<number, (gathered: Gathered) => void>();
  #last = 0;

  constructor(send: (message: Scrape) => void) {
    this.#send = send;
  }

  /**
   * Returns the metrics as text. Rejects if a worker does not reply in time. If the primary ends, this process ends
   * too.
   */
  async scrape(): Promise<string> {
    if (this.#waiting.size >= MAX_UNDER_WAY) throw new Error('Metrics are already being collected.');
    const id = (this.#last += 1);
    const { snapshots } = await new Promise<Gathered>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ kind: 'scrape', id });
    });
    if (snapshots === null) throw new Error('A worker did not send its metrics.');
    return aggregated(snapshots);
  }

  /** Handles the counts that the primary gathered. */
  receive(gathered: Gathered): void {
    this.#waiting.get(gathered.id)?.(gathered);
    this.#waiting.delete(gathered.id);
  }
}
