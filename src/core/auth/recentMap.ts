/**
 * A map of recently used entries with a maximum size. A large entry can count as several. It has two generations: an entry
 * moves to the young generation when it is used. When this generation reaches half of the maximum, the old generation is
 * dropped and the young one becomes the old one. So an entry stays if it is used again before `max / 2` others.
 *
 * An exact LRU cache (the package lru-cache) takes a few microseconds for each request, ten times as long as this map.
 */
export class RecentMap<Value> {
  readonly #half: number;
  readonly #weigh: (value: Value) => number;
  /** The size of the young generation. */
  #weight = 0;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /**
   * @param max at least 2
   * @param weigh returns the size of a value, which must not change. A value of `max / 2` or more evicts all others.
   * Default: 1
   */
  constructor(max: number, weigh: (value: Value) => number = () => 1) {
    this.#half = Math.floor(max / 2);
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Like {@link get}, but does not count as a use. */
  peek(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: Value): void {
    this.delete(key);
    this.#young.set(key, value);
    this.#weight += this.#weigh(value);
    if (this.#weight < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#weight = 0;
  }

  delete(key: string): void {
    const young = this.#young.get(key);
    if (young !== undefined) this.#weight -= this.#weigh(young);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#weight = 0;
    this.#young.clear();
    this.#old.clear();
  }

  *values(): Generator<Value> {
    yield* this.#young.values();
    yield* this.#old.values();
  }
}
