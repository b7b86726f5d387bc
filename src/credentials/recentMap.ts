/**
 * A map of what was used recently, at most `max` entries, of which one that is large counts as several. Two generations:
 * what is used moves to the young one; when that holds half of them, the old one goes whole. So what is used again before
 * `max / 2` others are stays.
 *
 * Not an exact order of use, which the package for it keeps up at some microseconds a request: a request looks up here,
 * and is worth a tenth of that.
 */
export class RecentMap<Value> {
  readonly #half: number;
  readonly #weigh: (value: Value) => number;
  /** Of the young generation. */
  #weight = 0;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /**
   * @param max at least 2
   * @param weigh for how many a value counts: always the same for the same one. Default: one. One that counts for half of
   * `max` or more leaves nothing beside it
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

  /** {@link get}, which is no use. */
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
