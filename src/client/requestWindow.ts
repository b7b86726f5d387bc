import type { Policy } from './policy.js';

/**
 * The client's copy of one of the server's sliding windows. It never shows more room than the server has: a unit counts
 * from when its request is sent, which is before the server counts it, until one window length after the response, when
 * the server no longer does. Network delays therefore cause no rejections, unless others use the key too. Their usage
 * is learned from the responses. Times are in ms of a monotonic clock.
 */
export class Window {
  #policy: Policy;
  /** The units of pending requests. */
  #flying = 0;
  /** The units that the server may still count, in the order of the responses. */
  readonly #held: { readonly until: number; readonly units: number }[] = [];
  #heldUnits = 0;
  #others = NOBODY;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  get quota(): number {
    return this.#policy.quota;
  }

  /** Units that already count keep their window length. */
  set policy(policy: Policy) {
    this.#policy = policy;
  }

  take(units: number): void {
    this.#flying += units;
  }

  /**
   * Ends a reservation.
   *
   * @param counted false if the request was rejected and does not count
   */
  end(units: number, now: number, counted: boolean): void {
    this.#flying -= units;
    if (counted) this.hold(units, now);
  }

  /** Counts units that were not reserved. */
  hold(units: number, now: number): void {
    this.#held.push({ until: now + lasting(this.#policy.length), units });
    this.#heldUnits += units;
  }

  /** Returns the ms until the next check; 0 if there is room; Infinity: wait for a response. */
  wait(units: number, now: number): number {
    const used = this.#flying + this.#heldAt(now) + unitsAt(this.#others, now);
    // A request above the quota can never fit. It is sent when the window is empty, and the server reports the error.
    if (used + Math.min(units, this.quota) <= this.quota) return 0;
    const { stepAt, until } = this.#others;
    const next = [this.#held[0]?.until ?? Infinity, stepAt, until].filter((at) => at > now);
    return Math.min(...next) - now;
  }

  /**
   * Takes over what a response says about the window. Any usage beyond our own comes from other clients. The server says when the
   * next unit is free: then one request is sent, and its response says more.
   */
  told(remaining: number, backIn: number | null, now: number): void {
    const ours = this.#flying + this.#heldAt(now);
    const units = Math.max(0, this.quota - remaining - ours);
    if (units === 0) {
      this.#others = NOBODY;
      return;
    }
    const oldest = this.#held[0]?.until ?? Infinity;
    // The next free unit may be our own. Then our next request is sent, and its response says more.
    const stepAt = backIn === null || oldest <= now + lasting(backIn) ? Infinity : now + lasting(backIn);
    this.#others = { units, stepAt, until: now + lasting(this.#policy.length) };
  }

  /** Whether the window is empty. */
  isIdle(now: number): boolean {
    return this.#flying + this.#heldAt(now) + unitsAt(this.#others, now) === 0;
  }

  #heldAt(now: number): number {
    for (let first = this.#held[0]; first !== undefined && first.until <= now; first = this.#held[0]) {
      this.#held.shift();
      this.#heldUnits -= first.units;
    }
    return this.#heldUnits;
  }
}

/** What others used according to the last response: one unit less from `stepAt`, none from `until`. */
interface Others {
  readonly units: number;
  readonly stepAt: number;
  readonly until: number;
}

const NOBODY: Others = { units: 0, stepAt: Infinity, until: Infinity };

function unitsAt({ units, stepAt, until }: Others, now: number): number {
  if (now >= until) return 0;
  return now >= stepAt ? units - 1 : units;
}

/**
 * Returns a duration that is long enough even if the server's clock is slower. Clocks are corrected by at most half a thousandth.
 */
function lasting(length: number): number {
  return length * 1.001 + 2;
}
