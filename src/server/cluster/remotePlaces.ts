import { deadline } from '../../core/util/deadline.js';
import { unavailable } from '../../core/errors/refusal.js';
import type { Places } from '../../core/streams/streamPlaces.js';
import type { OfPlaces, PlaceTaken } from './messages.js';

/** How long the primary may take to answer, in ms. It counts in memory. */
const TIMEOUT = 2_000;

/** The maximum number of remembered questions that timed out. Limits the memory that a hanging primary costs. */
const MAX_LATE = 10_000;

interface Waiting {
  readonly resolve: (taken: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Places that the primary counts for all its workers. Without its reply, no stream opens, and a place that is granted
 * too late is given back. Each question belongs to a stream that is being opened, which bounds them.
 */
export class RemotePlaces implements Places {
  readonly #send: (message: OfPlaces) => void;
  readonly #timeout: number;
  readonly #waiting = new Map<number, Waiting>();
  /** Questions that timed out. */
  readonly #late = new Map<number, string>();
  #asked = 0;

  /** @param send to the primary; must neither wait nor throw @param timeout in ms */
  constructor(send: (message: OfPlaces) => void, timeout = TIMEOUT) {
    this.#send = send;
    this.#timeout = timeout;
  }

  take(family: string, limit: number): Promise<boolean> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      const timer = deadline(this.#timeout, () => {
        if (!this.#waiting.delete(id)) return;
        if (this.#late.size < MAX_LATE) this.#late.set(id, family);
        const cause = new Error(`The primary did not answer within ${this.#timeout} ms.`);
        reject(unavailable('Open streams cannot be counted at the moment. Try again in 1 s.', 1, cause));
      });
      this.#waiting.set(id, { resolve, timer });
      this.#send({ kind: 'take-place', id, family, limit });
    });
  }

  giveBack(family: string): void {
    this.#send({ kind: 'return-place', family });
  }

  /** Handles a reply of the primary. */
  receive({ id, taken }: PlaceTaken): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      clearTimeout(waiting.timer);
      waiting.resolve(taken);
      return;
    }
    const late = this.#late.get(id);
    this.#late.delete(id);
    if (late !== undefined && taken) this.giveBack(late);
  }
}
