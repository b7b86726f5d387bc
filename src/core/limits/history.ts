import type { Waits } from './bounds.js';
import type { WindowLimits } from './tiers.js';
import type { Room } from './window.js';
import type { Windows } from './windows.js';

/**
 * The usage of one family in `Windows`, at one moment and under the current limits. Valid only during the call that
 * created it.
 */
export class History {
  readonly #windows: Windows;
  readonly #family: string;
  readonly #now: number;
  readonly #limits: WindowLimits;
  /** -1 if nothing is stored. Reading does not create an entry. */
  #row: number;

  constructor(windows: Windows, family: string, now: number, limits: WindowLimits) {
    this.#windows = windows;
    this.#family = family;
    this.#now = now;
    this.#limits = limits;
    this.#row = windows.find(family, now);
  }

  /** Returns the waits for a cost that does not exceed either limit. */
  waits(cost: number): Waits {
    const { rate, burst } = this.#limits;
    if (this.#row < 0) return NO_WAIT;
    return {
      rate: this.#windows.rateWait(this.#row, cost, rate),
      burst: this.#windows.burstWait(this.#row, cost, burst),
    };
  }

  take(cost: number): void {
    if (this.#row < 0) this.#row = this.#windows.add(this.#family, this.#now);
    this.#windows.take(this.#row, cost);
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

export const NO_WAIT: Waits = Object.freeze({ rate: 0, burst: 0 });
