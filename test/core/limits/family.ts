import { Limiter } from '../../../src/core/limits/limiter.js';
import { TIER_LIMITS, type TierLimits, type TierTable } from '../../../src/core/limits/tiers.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';
import type { Room, WindowName } from '../../../src/core/limits/window.js';

/** A tier with only this rate and burst. */
export function limitsTo(rate: number, burst: number, categories: TierLimits['categories'] = {}): TierLimits {
  return { ...TIER_LIMITS.GROWTH, keys: null, adminKeys: null, rate, burst, streams: 1, categories };
}

/** A table in which all tiers have the same limits. */
export function tableOf(limits: TierLimits): TierTable {
  return Object.fromEntries(
    [...PUBLISHED_TIERS, 'ANONYMOUS', 'KEY_CREATION', 'VERIFICATION'].map((tier) => [tier, limits]),
  ) as TierTable;
}

const SUBJECT = { family: 'a', tier: 'STARTER' } as const;

type Verdict =
  | { outcome: 'admitted' }
  | { outcome: 'refused'; window: WindowName; retryAfterMs: number }
  | { outcome: 'never'; limit: number };

/** A limiter for one family. Each call sets the time and the limits. */
export class OneFamily {
  #now = 0;
  /** The limiter reads it at each call, as after a reload. */
  readonly #tiers = { ...tableOf(limitsTo(1, 1)) };
  readonly #limiter = new Limiter({ clock: () => this.#now, tiers: this.#tiers });

  constructor() {
    // The timer does nothing that calls do not do. Thousands of them would run during other tests.
    this.#limiter.close();
  }

  admit(now: number, cost: number, rate: number, burst: number): Verdict {
    this.#set(now, rate, burst);
    const admission = this.#limiter.admit(SUBJECT, cost);
    switch (admission.outcome) {
      case 'admitted':
        return { outcome: 'admitted' };
      case 'refused':
        return { outcome: 'refused', window: admission.window, retryAfterMs: admission.retryAfterMs };
      case 'never':
        return { outcome: 'never', limit: admission.limit };
    }
  }

  room(now: number, rate: number, burst: number): Room {
    this.#set(now, rate, burst);
    return this.#limiter.peek(SUBJECT);
  }

  hasRoom(now: number, rate: number, burst: number): boolean {
    this.#set(now, rate, burst);
    return this.#limiter.hasRoom(SUBJECT);
  }

  get size(): number {
    return this.#limiter.size;
  }

  get bytes(): number {
    return this.#limiter.bytes;
  }

  #set(now: number, rate: number, burst: number): void {
    this.#now = now;
    this.#tiers.STARTER = limitsTo(rate, burst);
  }
}
