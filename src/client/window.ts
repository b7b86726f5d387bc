import type { Policy } from './policy.js';

/**
 * One of the server's sliding windows, as it is seen from here: never fuller there than here. A unit is held from the
 * moment at which its request leaves, before the server counts it, until a window's length after its answer came, by when
 * the server has let go of it. So what this window lets out the server's has room for, whatever the network takes, as long
 * as nobody else uses the key; what others use is learned from the answers. Times in ms of one clock that never runs back.
 */
export class Window {
  #policy: Policy;
  /** Units of requests without an answer. */
  #flying = 0;
  /** Units that the server may still count, in the order of their answers. */
  readonly #held: { readonly until: number; readonly units: number }[] = [];
  #heldUnits = 0;
  #others = NOBODY;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  get quota(): number {
    return this.#policy.quota;
  }

  /** What is held stays so for the length that it was held for. */
  set policy(policy: Policy) {
    this.#policy = policy;
  }

  take(units: number): void {
    this.#flying += units;
  }

  /** The request was answered, or never will be. @param counted false: it was refused, which takes nothing */
  end(units: number, now: number, counted: boolean): void {
    this.#flying -= units;
    if (counted) this.hold(units, now);
  }

  /** Units that were used and not taken here. */
  hold(units: number, now: number): void {
    this.#held.push({ until: now + lasting(this.#policy.length), units });
    this.#heldUnits += units;
  }

  /** Ms until it is worth looking whether there is room; 0: there is; Infinity: not before an answer comes. */
  wait(units: number, now: number): number {
    const used = this.#flying + this.#heldAt(now) + unitsAt(this.#others, now);
    // What is above the quota can never pass: it goes as soon as all is free, and the server says so.
    if (used + Math.min(units, this.quota) <= this.quota) return 0;
    const { stepAt, until } = this.#others;
    const next = [this.#held[0]?.until ?? Infinity, stepAt, until].filter((at) => at > now);
    return Math.min(...next) - now;
  }

  /**
   * What an answer tells of it. What is used there beyond what can be ours is others'. Of that the server tells when the
   * next unit comes back: then one is let out, whose answer tells more.
   */
  told(remaining: number, backIn: number | null, now: number): void {
    const ours = this.#flying + this.#heldAt(now);
    const units = Math.max(0, this.quota - remaining - ours);
    if (units === 0) {
      this.#others = NOBODY;
      return;
    }
    const oldest = this.#held[0]?.until ?? Infinity;
    // Where it may be one of ours that comes back, that one goes, and its answer tells more as well.
    const stepAt = backIn === null || oldest <= now + lasting(backIn) ? Infinity : now + lasting(backIn);
    this.#others = { units, stepAt, until: now + lasting(this.#policy.length) };
  }

  /** Whether it holds nothing: as good as a new one. */
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

/** What others used when an answer last told; one less from `stepAt` on, none from `until` on. */
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

/** A length by the server's clock is no longer than this by ours: a thousandth is twice what clocks are set right by. */
function lasting(length: number): number {
  return length * 1.001 + 2;
}
