import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import Bottleneck from 'bottleneck';
import { unavailable } from '../refusals/refusal.js';
import { FairLine, type NotAdded } from './fairLine.js';

/** bcrypt reads no further than this many bytes; what lies behind them would not be verified. */
const MAX_BYTES = 72;

/** How many runs of each kind may wait, of one owner at most a quarter. At cost 10 two cores end about 37 a second, so the last in line waits some seconds. */
const MAX_WAITING = 256;

const TOO_MANY: Readonly<Record<NotAdded, string>> = {
  share: 'Too many keys of this workspace are being created or checked for the first time. Try again in a second.',
  full: 'Too many keys are being created or checked for the first time. Try again in a second.',
};

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
  /** Those who have a key checked, and those who have one made: they take turns too, so that neither waits for all of the other. */
  readonly #checks: FairLine;
  readonly #makes: FairLine;
  readonly #cores = availableParallelism();
  #running = 0;
  #checkedLast = false;
  #hashes = 0;
  #comparisons = 0;
  #shed = 0;

  /** @param options.cost bcrypt's cost, 4 to 15; default 10 */
  constructor(options: { readonly cost?: number; readonly maxWaiting?: number } = {}) {
    this.#cost = options.cost ?? 10;
    if (!Number.isInteger(this.#cost) || this.#cost < 4 || this.#cost > 15) {
      throw new TypeError('cost must be a whole number from 4 to 15.');
    }
    this.#checks = new FairLine(options.maxWaiting ?? MAX_WAITING);
    this.#makes = new FairLine(options.maxWaiting ?? MAX_WAITING);
    this.#gate = new Bottleneck({ maxConcurrent: this.#cores });
  }

  get counts(): BcryptCounts {
    const waiting = this.#checks.length + this.#makes.length;
    return { hashes: this.#hashes, comparisons: this.#comparisons, shed: this.#shed, waiting };
  }

  /**
   * @param owner whose turn it takes: the workspace's id
   * @throws Refusal UNAVAILABLE when too many wait; RangeError above 72 bytes
   */
  async hash(secret: string, owner = ''): Promise<string> {
    assertWhole(secret);
    return this.#run(this.#makes, owner, () => {
      this.#hashes += 1;
      return bcrypt.hash(secret, this.#cost);
    });
  }

  /** See {@link hash}. */
  async compare(secret: string, hash: string, owner = ''): Promise<boolean> {
    assertWhole(secret);
    return this.#run(this.#checks, owner, () => {
      this.#comparisons += 1;
      return bcrypt.compare(secret, hash);
    });
  }

  /** Bottleneck's own line is first come, first served, and its priorities know no owners: it is given what runs at once. */
  async #run<T>(line: FairLine, owner: string, work: () => Promise<T>): Promise<T> {
    await this.#turn(line, owner);
    try {
      return await this.#gate.schedule(work);
    } finally {
      this.#running -= 1;
      this.#startNext();
    }
  }

  /** Resolves when the work may begin. */
  #turn(line: FairLine, owner: string): Promise<void> {
    if (this.#running < this.#cores) {
      this.#running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const shed = (why: NotAdded = 'full'): void => {
        this.#shed += 1;
        reject(unavailable(TOO_MANY[why], 1));
      };
      const notAdded = line.add(owner, { start: resolve, shed: () => shed() });
      if (notAdded !== null) shed(notAdded);
    });
  }

  #startNext(): void {
    const [first, second] = this.#checkedLast ? [this.#makes, this.#checks] : [this.#checks, this.#makes];
    const line = first.length > 0 ? first : second;
    const next = line.next();
    if (next === null) return;
    this.#checkedLast = line === this.#checks;
    this.#running += 1;
    next.start();
  }
}

/** Okta, October 2024: bcrypt over more than 72 bytes compared the first 72 alone. Reject, never truncate. */
function assertWhole(secret: string): void {
  if (Buffer.byteLength(secret) > MAX_BYTES)
    throw new RangeError(`A secret of more than ${MAX_BYTES} bytes is not hashed.`);
}
