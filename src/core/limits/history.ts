import { NO_WAIT, type Waits } from './bounds.js';
import type { WindowLimits } from './tiers.js';
import type { Room } from './window.js';
import type { FamilyWindows } from './familyTable.js';

/**
 * The usage of one family, at one moment and under the current limits. Valid only during the call that
 * created it.
 */
export class History {
  readonly #windows: FamilyWindows;
  readonly #family: string;
  readonly #now: number;
  readonly #limits: WindowLimits;
  /** -1 if nothing is stored. Reading does not create an entry. */
  #row: number;

  constructor(windows: FamilyWindows, family: string, now: number, limits: WindowLimits) {
    this.#windows = windows;
    this.#family = family;
    this.#now = now;
    this.#limits = limits;
    this.#row = windows.find(family, now);
  }

  /** Returns the waits for an amount that does not exceed either limit. */
  waits(amount: number): Waits {
    const { rate, burst } = this.#limits;
    if (this.#row < 0) return NO_WAIT;
    return {
      rate: this.#windows.rateWait(this.#row, amount, rate),
      burst: this.#windows.burstWait(this.#row, amount, burst),
    };
  }

  /** Counts an amount. @returns the time of the row, as stored, which identifies cost units */
  take(amount: number): number {
    if (this.#row < 0) this.#row = this.#windows.add(this.#family, this.#now);
    this.#windows.take(this.#row, amount);
    return this.#windows.timeOf(this.#row);
  }

  get room(): Room {
    const { rate, burst } = this.#limits;
    if (this.#row >= 0) return this.#windows.room(this.#row, rate, burst);
    return {
      rate: { limit: rate, remaining: rate, returnsInMs: null },
      burst: { limit: burst, remaining: burst, returnsInMs: null },
    };
  }
}
