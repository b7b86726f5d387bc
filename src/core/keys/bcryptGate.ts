import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import { unavailable } from '../errors/refusal.js';
import { FairLine, type NotAdded } from './fairLine.js';

/** bcrypt ignores everything after this many bytes, so longer secrets would be verified only in part. */
const MAX_BYTES = 72;

/**
 * The maximum number of waiting runs of each kind; one owner can have at most a quarter of them. At cost 10, two cores
 * complete about 37 runs a second, so the last one waits a few seconds.
 */
const MAX_WAITING = 256;

const TOO_MANY: Readonly<Record<NotAdded, string>> = {
  share: 'Too many keys of this workspace are being created or checked for the first time. Try again in a second.',
  full: 'Too many keys are being created or checked for the first time. Try again in a second.',
};

export interface BcryptCounts {
  readonly hashes: number;
  readonly comparisons: number;
  /** Runs that were rejected because the queue was full. */
  readonly shed: number;
  /** The current number of runs in the queue. */
  readonly waiting: number;
}

/**
 * Limits bcrypt to one run per core at a time, with a bounded queue. Runs that do not fit are refused with 503. A run takes
 * tens of milliseconds of CPU time, so without this limit any caller could stall the whole server.
 */
export class BcryptGate {
  readonly #cost: number;
  /** Verifications and creations have a queue each. The queues take turns, so that neither delays the other for long. */
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
  }

  get counts(): BcryptCounts {
    const waiting = this.#checks.length + this.#makes.length;
    return { hashes: this.#hashes, comparisons: this.#comparisons, shed: this.#shed, waiting };
  }

  /**
   * Hashes a secret.
   * @param owner the workspace's ID; owners take turns in the queue
   * @throws Refusal UNAVAILABLE if the queue is full; RangeError if the secret has more than 72 bytes
   */
  async hash(secret: string, owner = ''): Promise<string> {
    assertWhole(secret);
    return this.#run(this.#makes, owner, () => {
      this.#hashes += 1;
      // A salt made here saves a turn of libuv's threads.
      return bcrypt.hash(secret, bcrypt.genSaltSync(this.#cost));
    });
  }

  /** Compares a secret with a hash. For the parameters and errors see {@link hash}. */
  async compare(secret: string, hash: string, owner = ''): Promise<boolean> {
    assertWhole(secret);
    return this.#run(this.#checks, owner, () => {
      this.#comparisons += 1;
      return bcrypt.compare(secret, hash);
    });
  }

  async #run<T>(line: FairLine, owner: string, work: () => Promise<T>): Promise<T> {
    await this.#turn(line, owner);
    try {
      return await work();
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

/** Never truncate: Okta's bypass of October 2024 was possible because bcrypt compared only the first 72 bytes. */
function assertWhole(secret: string): void {
  if (Buffer.byteLength(secret) > MAX_BYTES)
    throw new RangeError(`The secret has more than ${MAX_BYTES} bytes, which bcrypt can't hash.`);
}
