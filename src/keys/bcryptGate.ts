import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import Bottleneck from 'bottleneck';
import { unavailable } from '../refusals/refusal.js';

/** bcrypt reads no further than this many bytes; what lies behind them would not be verified. */
const MAX_BYTES = 72;

/** How many runs may wait. At cost 10 two cores end about 37 a second, so the last in line waits some seconds. */
const MAX_WAITING = 256;

export interface BcryptCounts {
  readonly hashes: number;
  readonly comparisons: number;
  /** Turned away because too many waited. */
  readonly shed: number;
  /** In the line at this moment. */
  readonly waiting: number;
}

/**
 * bcrypt behind a gate: at most one run a core at a time, a bounded line behind it, and what does not fit is refused with
 * 503. A run costs tens of milliseconds of a core, so an open door here would let anybody stop the whole server.
 */
export class BcryptGate {
  readonly #cost: number;
  readonly #gate: Bottleneck;
  /** Runs under way and waiting together. */
  readonly #places: number;
  readonly #cores = availableParallelism();
  #taken = 0;
  #hashes = 0;
  #comparisons = 0;
  #shed = 0;

  /** @param options.cost bcrypt's cost, 4 to 15; default 10 */
  constructor(options: { readonly cost?: number; readonly maxWaiting?: number } = {}) {
    this.#cost = options.cost ?? 10;
    if (!Number.isInteger(this.#cost) || this.#cost < 4 || this.#cost > 15) {
      throw new TypeError('cost must be a whole number from 4 to 15.');
    }
    this.#places = this.#cores + (options.maxWaiting ?? MAX_WAITING);
    this.#gate = new Bottleneck({ maxConcurrent: this.#cores });
  }

  get counts(): BcryptCounts {
    const waiting = Math.max(0, this.#taken - this.#cores);
    return { hashes: this.#hashes, comparisons: this.#comparisons, shed: this.#shed, waiting };
  }

  /** @throws Refusal UNAVAILABLE when too many wait; RangeError above 72 bytes */
  async hash(secret: string): Promise<string> {
    assertWhole(secret);
    return this.#run(() => {
      this.#hashes += 1;
      return bcrypt.hash(secret, this.#cost);
    });
  }

  /** @throws Refusal UNAVAILABLE when too many wait; RangeError above 72 bytes */
  async compare(secret: string, hash: string): Promise<boolean> {
    assertWhole(secret);
    return this.#run(() => {
      this.#comparisons += 1;
      return bcrypt.compare(secret, hash);
    });
  }

  /**
   * The line is counted here and not by Bottleneck's highWater: Bottleneck lets one job a millisecond into the line that
   * it counts, and keeps those who wait to be let in in another, which nothing bounds.
   */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#places) {
      this.#shed += 1;
      throw unavailable('Too many keys are being checked for the first time. Try again shortly.', 1);
    }
    this.#taken += 1;
    try {
      return await this.#gate.schedule(work);
    } finally {
      this.#taken -= 1;
    }
  }
}

/** Okta, October 2024: bcrypt over more than 72 bytes compared the first 72 alone. Reject, never truncate. */
function assertWhole(secret: string): void {
  if (Buffer.byteLength(secret) > MAX_BYTES)
    throw new RangeError(`A secret of more than ${MAX_BYTES} bytes is not hashed.`);
}
