import { BURST_WINDOW, RATE_WINDOW, type WindowName } from '../../../src/core/limits/window.js';

/** The windows as the published limits define them: keeps all admissions, and counts them for every question. */
export class NaiveWindow {
  readonly admissions: number[] = [];

  used(now: number, length: number): number {
    return this.admissions.filter((at) => at > now - length && at <= now).length;
  }

  fits(now: number, cost: number, rate: number, burst: number): boolean {
    return this.used(now, RATE_WINDOW) + cost <= rate && this.used(now, BURST_WINDOW) + cost <= burst;
  }

  take(now: number, cost: number): void {
    for (let unit = 0; unit < cost; unit += 1) this.admissions.push(now);
  }

  /** Removes at most `cost` of the units that were taken at a time. */
  giveBack(at: number, cost: number): void {
    for (let unit = 0; unit < cost; unit += 1) {
      const index = this.admissions.indexOf(at);
      if (index < 0) return;
      this.admissions.splice(index, 1);
    }
  }

  /** The wait in one window: the cost can only start to fit when a unit expires, so only these times are tried. */
  wait(now: number, length: number, cost: number, limit: number): number {
    const moments = [now, ...this.admissions.map((at) => at + length).filter((at) => at > now)].sort((a, b) => a - b);
    for (const at of moments) if (this.used(at, length) + cost <= limit) return Math.ceil(at - now);
    throw new Error('the cost is above the limit');
  }

  refusal(now: number, cost: number, rate: number, burst: number): { window: WindowName; retryAfterMs: number } {
    const rateWait = this.wait(now, RATE_WINDOW, cost, rate);
    const burstWait = this.wait(now, BURST_WINDOW, cost, burst);
    return rateWait >= burstWait
      ? { window: 'rate', retryAfterMs: rateWait }
      : { window: 'burst', retryAfterMs: burstWait };
  }

  room(now: number, length: number, limit: number): { limit: number; remaining: number; returnsInMs: number | null } {
    const used = this.used(now, length);
    const remaining = Math.max(0, limit - used);
    return {
      limit,
      remaining,
      returnsInMs: used === 0 || limit < 1 ? null : this.wait(now, length, remaining + 1, limit),
    };
  }
}

/**
 * The highest number of units in any window of this length that ends at an admission. No other window can contain more
 * units.
 */
export function fullest(admissions: readonly number[], length: number): number {
  return Math.max(0, ...admissions.map((end) => admissions.filter((at) => at > end - length && at <= end).length));
}
