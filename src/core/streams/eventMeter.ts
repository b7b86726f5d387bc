import type { AuthenticatedPrincipal } from '../auth/principal.js';
import type { Category } from '../limits/category.js';
import { limitsOf } from '../limits/bounds.js';
import { unitsIn } from '../limits/costUnits.js';
import type { Admission, Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import { subjectOfKey } from '../limits/subjects.js';
import type { Refusal } from '../errors/refusal.js';

/** The number of times that an event waits for the burst window before it is refused. */
const MAX_WAITS = 5;

/** The longest wait, in ms. If there is only room later, the window is the one of the rate. */
const LONGEST_WAIT = 1_000;

interface EventMeterOptions {
  readonly limits: Limits;
  /** The cost of the operation in requests. */
  readonly cost: number;
  /** The estimate for one event in cost units. Default: limits in cost units don't apply. */
  readonly units?: number | null;
  readonly category: Category;
  readonly admitted: (principal: AuthenticatedPrincipal) => void;
  readonly refused: (principal: AuthenticatedPrincipal, refusal: Refusal) => void;
}

/**
 * Takes the cost of each event from the limits of the key, as for a request. The reader does not choose when events
 * occur, so a burst of them waits for the burst window. If the rate is used up, the stream is refused.
 */
export class EventMeter {
  readonly #options: EventMeterOptions;
  /** The refusal that makes an event wait. */
  #waitsFor: { readonly principal: AuthenticatedPrincipal; readonly refusal: Refusal } | null = null;
  /** The event that was paid for last. */
  #taken: Admission | null = null;
  #stop = (): void => undefined;
  #isStopped = false;

  constructor(options: EventMeterOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the event is paid for, or the meter is stopped. Rejects with a {@link Refusal} RATE_LIMITED or
   * UNAVAILABLE.
   */
  async take(principal: AuthenticatedPrincipal): Promise<void> {
    const { limits, cost, category, admitted, refused } = this.#options;
    try {
      for (let waits = 0; !this.#isStopped; waits += 1) {
        const subject = subjectOfKey(principal, limits.tiers, category);
        const units = unitsIn(limitsOf(subject, limits.tiers), subject, this.#options.units ?? null);
        const admission = await limits.admit(subject, cost, units);
        const refusal = refusalOf(admission, cost, 'key', units);
        if (refusal === null) {
          this.#taken = admission;
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

  /** Gives back the difference between the estimate and the cost of the last event. @param actual in cost units */
  settle(actual: number): void {
    const { limits, units } = this.#options;
    const taken = this.#taken;
    this.#taken = null;
    if (taken !== null && units != null && actual < units) limits.giveBack?.(taken, units - actual);
  }

  /** Returns the refusal that an event is waiting for, which is final then; null: none is waiting. */
  giveUp(): Refusal | null {
    if (this.#waitsFor === null) return null;
    const { principal, refusal } = this.#waitsFor;
    this.#options.refused(principal, refusal);
    return refusal;
  }

  /** Ends all waits. Can be called more than once. */
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
