import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Category } from '../limits/category.js';
import type { Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import type { Refusal } from '../refusals/refusal.js';

/** How often an event waits for the key's window of a second before it is refused. */
const MAX_WAITS = 5;

/** The longest that it waits each time, in ms: what has room again later than that is the window of a minute. */
const LONGEST_WAIT = 1_000;

export interface EventMeterOptions {
  readonly limits: Limits;
  /** Of the operation. */
  readonly cost: number;
  readonly category: Category;
  readonly admitted: (principal: AuthenticatedPrincipal) => void;
  readonly refused: (principal: AuthenticatedPrincipal, refusal: Refusal) => void;
}

/**
 * Takes the cost of each event from the limits of the key, as of a request. The reader does not choose when events come:
 * a burst of them waits for the window of a second. Where the window of a minute is used up, the stream is refused.
 */
export class EventMeter {
  readonly #options: EventMeterOptions;
  /** What an event waits for at the moment. */
  #waitsFor: { readonly principal: AuthenticatedPrincipal; readonly refusal: Refusal } | null = null;
  #stop = (): void => undefined;
  #isStopped = false;

  constructor(options: EventMeterOptions) {
    this.#options = options;
  }

  /** Resolves once the event is paid for, or the meter is stopped. Rejects with Refusal RATE_LIMITED, UNAVAILABLE. */
  async take(principal: AuthenticatedPrincipal): Promise<void> {
    const { limits, cost, category, admitted, refused } = this.#options;
    const { familyId: family, tier } = principal;
    try {
      for (let waits = 0; !this.#isStopped; waits += 1) {
        const admission = await limits.admit({ family, tier, category }, cost);
        const refusal = refusalOf(admission, cost);
        if (refusal === null) {
          admitted(principal);
          return;
        }
        const wait = admission.outcome === 'refused' ? admission.retryAfterMs : Infinity;
        if (wait > LONGEST_WAIT || waits >= MAX_WAITS) {
          refused(principal, refusal);
          throw refusal;
        }
        this.#waitsFor = { principal, refusal };
        await this.#wait(wait);
      }
    } finally {
      this.#waitsFor = null;
    }
  }

  /** Returns the refusal of what an event waits for at the moment, which is final then; null: it waits for nothing. */
  giveUp(): Refusal | null {
    if (this.#waitsFor === null) return null;
    const { principal, refusal } = this.#waitsFor;
    this.#options.refused(principal, refusal);
    return refusal;
  }

  /** Nothing waits any more. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#stop();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#stop = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
