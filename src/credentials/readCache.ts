import { performance } from 'node:perf_hooks';
import { RecentMap } from './recentMap.js';

/** Keys of the store's that are known not to be there: bounded apart, so that guesses push nothing real out. */
const MAX_ABSENT = 10_000;

export interface ReadCacheOptions<Value> {
  /** One read of the store; null where there is nothing. Given what {@link ReadCache.get} was. */
  readonly read: (subject: string) => Promise<Value | null>;
  /** How long an answer counts, in ms from the moment at which its read began. 0: every request reads. */
  readonly ttl: number;
  /** How many values are kept: see {@link RecentMap}. At least 2. */
  readonly max: number;
  /** For how many values one counts. Default: one. */
  readonly weigh?: (value: Value) => number;
  /** ms of a clock that never runs back. Default: that of the process. */
  readonly clock?: () => number;
}

interface Entry<Value> {
  readonly value: Value;
  readAt: number;
}

interface Read<Value> {
  readonly began: number;
  readonly result: Promise<Value | null>;
}

/**
 * Reads of the store, remembered for a bounded time, what is not there as well. Requests that miss at the same moment
 * share one read. An answer never counts longer than `ttl` after its read began: that is the bound within which a change
 * made by another process acts, whoever forgets to tell of it.
 */
export class ReadCache<Value extends object> {
  readonly #read: ReadCacheOptions<Value>['read'];
  readonly #ttl: number;
  readonly #clock: () => number;
  readonly #present: RecentMap<Entry<Value>>;
  readonly #absent = new RecentMap<number>(MAX_ABSENT);
  readonly #reads = new Map<string, Read<Value>>();

  constructor({ read, ttl, max, weigh = () => 1, clock = () => performance.now() }: ReadCacheOptions<Value>) {
    this.#read = read;
    this.#ttl = ttl;
    this.#clock = clock;
    this.#present = new RecentMap(max, ({ value }) => weigh(value));
  }

  /** What was read less than `ttl` ago, null for "not there"; undefined where it has to be read. */
  fresh(key: string): Value | null | undefined {
    const entry = this.#present.get(key);
    if (entry !== undefined) return this.#counts(entry.readAt) ? entry.value : undefined;
    const readAt = this.#absent.get(key);
    return readAt !== undefined && this.#counts(readAt) ? null : undefined;
  }

  /** What the latest read found, however long ago. Nothing to let anybody in by. */
  last(key: string): Value | undefined {
    return this.#present.peek(key)?.value;
  }

  /**
   * Returns for how many ms the latest value of `key` still counts. 0: it has to be read.
   * @param isSame whether that is the value which the caller has; a later one says nothing about it
   */
  remaining(key: string, isSame: (value: Value) => boolean): number {
    const entry = this.#present.peek(key);
    return entry !== undefined && isSame(entry.value) ? Math.max(0, entry.readAt + this.#ttl - this.#clock()) : 0;
  }

  /** Is `key` being read? */
  isReading(key: string): boolean {
    return this.#reads.has(key);
  }

  /**
   * {@link fresh}, or a read.
   *
   * @param subject what is read, where `key` only stands for it, as the hash of a secret does
   * @throws whatever the read throws; failures are not remembered
   */
  async get(key: string, subject = key): Promise<Value | null> {
    const fresh = this.fresh(key);
    if (fresh !== undefined) return fresh;
    const running = this.#reads.get(key);
    if (running !== undefined && this.#counts(running.began)) return running.result;
    const read: Read<Value> = { began: this.#clock(), result: this.#read(subject) };
    this.#reads.set(key, read);
    try {
      const value = await read.result;
      // A read that was overtaken by a change may hold what was before it.
      if (this.#reads.get(key) === read) this.#keep(key, value, read.began);
      return value;
    } finally {
      if (this.#reads.get(key) === read) this.#reads.delete(key);
    }
  }

  /** From now on `key` is read anew, and what is being read is for those alone who already wait for it. */
  forget(key: string): void {
    const entry = this.#present.peek(key);
    if (entry !== undefined) entry.readAt = -Infinity;
    this.#absent.delete(key);
    this.#reads.delete(key);
  }

  /** Forgets what `test` holds for. Walks over everything: for changes that are rare. */
  forgetWhere(test: (value: Value) => boolean): void {
    for (const entry of this.#present.values()) if (test(entry.value)) entry.readAt = -Infinity;
    this.#absent.clear();
    this.#reads.clear();
  }

  #counts(since: number): boolean {
    return this.#clock() - since < this.#ttl;
  }

  #keep(key: string, value: Value | null, readAt: number): void {
    if (value === null) {
      this.#present.delete(key);
      this.#absent.set(key, readAt);
    } else {
      this.#absent.delete(key);
      this.#present.set(key, { value, readAt });
    }
  }
}
