import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';
import { growing } from '../util/growing.js';
import type { StoreState } from './storeState.js';

/** The maximum number of cached misses. They have a separate limit, so that guesses evict no existing record. */
const MAX_ABSENT = 10_000;

/** lru-cache counts sizes in integers. */
const PARTS = 100;

interface ReadCacheOptions<Value> {
  /** Reads a value; null if it doesn't exist. @param subject as passed to {@link ReadCache.get} */
  readonly read: (subject: string) => Promise<Value | null>;
  /** How long a value is valid, in milliseconds from the start of its read. 0 means that every request reads the value. */
  readonly ttl: number;
  /** The maximum size of all values. */
  readonly max: number;
  /** Returns the size of a value, at least 1. Default: 1. */
  readonly weigh?: (value: Value) => number;
  /** Returns the state of the store for a read that starts now; null if unknown. Default: always unknown. */
  readonly state?: () => StoreState | null;
  /** Returns milliseconds of a monotonic clock. Default: the clock of the process. */
  readonly clock?: () => number;
}

interface Entry<Value> {
  readonly value: Value;
  readAt: number;
  state: StoreState | null;
}

interface Read<Value> {
  readonly began: number;
  readonly state: StoreState | null;
  readonly result: Promise<Value | null>;
}

/**
 * Caches reads of the store, including misses. Concurrent requests for the same key share one read. A value is valid for
 * `ttl` from the start of its read. So a change by another process takes effect within `ttl`, even if its announcement is
 * lost (B30). If the store has a version, and it is still the same, the value stays valid without another read.
 */
export class ReadCache<Value extends object> {
  readonly #read: ReadCacheOptions<Value>['read'];
  readonly #ttl: number;
  readonly #clock: () => number;
  readonly #state: () => StoreState | null;
  readonly #present: LRUCache<string, Entry<Value>>;
  readonly #absent = new LRUCache<string, number>(growing(MAX_ABSENT));
  readonly #reads = new Map<string, Read<Value>>();

  constructor({ read, ttl, max, weigh = () => 1, ...more }: ReadCacheOptions<Value>) {
    const { state = () => null, clock = () => performance.now() } = more;
    this.#read = read;
    this.#state = state;
    this.#ttl = ttl;
    this.#clock = clock;
    this.#present = new LRUCache({
      maxSize: max * PARTS,
      sizeCalculation: ({ value }) => Math.ceil(weigh(value) * PARTS),
    });
  }

  /** Returns the value if it is valid; null if it doesn't exist; undefined if it has to be read. */
  fresh(key: string): Value | null | undefined {
    const entry = this.#present.get(key);
    if (entry !== undefined) return this.#isValid(entry) ? entry.value : undefined;
    const readAt = this.#absent.get(key);
    return readAt !== undefined && this.#counts(readAt) ? null : undefined;
  }

  /** Returns the latest value, which may be stale. Don't authenticate with it. */
  last(key: string): Value | undefined {
    return this.#present.peek(key)?.value;
  }

  /**
   * Returns the milliseconds for which the latest value of `key` stays valid. 0 if it has to be read.
   * @param isSame returns whether this is the caller's value; for a later value the result is 0
   */
  remaining(key: string, isSame: (value: Value) => boolean): number {
    const entry = this.#present.peek(key);
    if (entry === undefined || !isSame(entry.value)) return 0;
    return Math.max(0, entry.readAt + this.#ttl - this.#clock(), entry.state?.countsFor() ?? 0);
  }

  /** Returns the state of the store in which the latest value of `key` was read; null if unknown, or it is a later value. */
  stateOf(key: string, isSame: (value: Value) => boolean): StoreState | null {
    const entry = this.#present.peek(key);
    return entry !== undefined && isSame(entry.value) ? entry.state : null;
  }

  /** Returns whether `key` is being read. */
  isReading(key: string): boolean {
    return this.#reads.has(key);
  }

  /**
   * Returns the cached value if it is valid, else reads it.
   *
   * @param subject the argument for the read, if it differs from `key`: for example a secret, whose hash is the key
   * @throws the error of the read, which is not cached
   */
  async get(key: string, subject = key): Promise<Value | null> {
    const fresh = this.fresh(key);
    if (fresh !== undefined) return fresh;
    const running = this.#reads.get(key);
    if (running !== undefined && this.#counts(running.began)) return running.result;
    // The order matters, because the state must not be newer than the value.
    const read: Read<Value> = { began: this.#clock(), state: this.#state(), result: this.#read(subject) };
    this.#reads.set(key, read);
    try {
      const value = await read.result;
      // If a change happened during the read, the value may be the one before the change, and must not be cached.
      if (this.#reads.get(key) === read) this.#keep(key, value, read);
      return value;
    } finally {
      if (this.#reads.get(key) === read) this.#reads.delete(key);
    }
  }

  /** Marks `key` as stale. A running read is only used by callers that are already waiting for it. */
  forget(key: string): void {
    const entry = this.#present.peek(key);
    if (entry !== undefined) outdate(entry);
    this.#absent.delete(key);
    this.#reads.delete(key);
  }

  /** Marks matching values as stale. Visits all values, so use it only for rare changes. */
  forgetWhere(test: (value: Value) => boolean): void {
    for (const entry of this.#present.values()) if (test(entry.value)) outdate(entry);
    this.#absent.clear();
    this.#reads.clear();
  }

  #counts(since: number): boolean {
    return this.#clock() - since < this.#ttl;
  }

  #isValid({ readAt, state }: Entry<Value>): boolean {
    // In this order, one of the two clocks is enough for nearly all requests.
    return (state !== null && state.countsFor() > 0) || this.#counts(readAt);
  }

  #keep(key: string, value: Value | null, { began: readAt, state }: Read<Value>): void {
    if (value === null) {
      this.#present.delete(key);
      this.#absent.set(key, readAt);
    } else {
      this.#absent.delete(key);
      this.#present.set(key, { value, readAt, state });
    }
  }
}

function outdate(entry: Entry<object>): void {
  entry.readAt = -Infinity;
  entry.state = null;
}
