import type { Worker } from 'node:cluster';
import { deadline } from '../../core/util/deadline.js';
import type { MetricsSnapshot } from '../metrics/metrics.js';
import { tell } from './fleet.js';
import type { Counted, Scrape } from './messages.js';

/** The timeout for workers to send their counts, in ms. */
const TIMEOUT = 2_000;

interface Round {
  readonly awaited: Set<Worker>;
  readonly snapshots: MetricsSnapshot[];
  readonly end: (snapshots: readonly MetricsSnapshot[] | null) => void;
}

/**
 * The primary's part in the metrics of all workers: asks each worker and passes the counts to the worker that received the request. If one worker doesn't
 * answer, no counts are passed on, because counters that decrease would look like a restart.
 */
export class Gathering {
  readonly #rounds = new Map<number, Round>();
  #last = 0;

  begin({ id }: Scrape, asker: Worker, workers: readonly Worker[]): void {
    const round = (this.#last += 1);
    const end: Round['end'] = (snapshots) => {
      if (!this.#rounds.delete(round)) return;
      clearTimeout(timer);
      tell(asker, { kind: 'gathered', id, snapshots });
    };
    const timer = deadline(TIMEOUT, () => end(null));
    this.#rounds.set(round, { awaited: new Set(workers), snapshots: [], end });
    for (const worker of workers) tell(worker, { kind: 'count', round });
  }

  receive({ round: number, snapshot }: Counted, worker: Worker): void {
    const round = this.#rounds.get(number);
    if (round?.awaited.delete(worker) !== true) return;
    round.snapshots.push(snapshot);
    if (round.awaited.size === 0) round.end(round.snapshots);
  }
}
