/** Slots at the start: one minute of the smallest tiers fits after at most one growth. */
const SMALLEST = 16;
const SPAN = 65_536;

/**
 * The times of the last `length` milliseconds, oldest first, two bytes each: the time modulo 2^16. That is exact while
 * `length` is below 2^16, since whatever is held was younger than `length` at the latest `advance`, and an age below
 * 2^16 follows from the remainders alone. Whole 32-bit times would need twice as much, and leave a growing ring no spare
 * slots within 4 bytes for each time.
 *
 * One array with spare slots and not chunks of a fixed size: an engine spends more on a small array's head than on its
 * contents. Each growth or shrinkage copies, and is paid for by the pushes or departures since the last one: all
 * operations are amortised constant.
 */
export class TimeRing {
  readonly #length: number;
  #slots = new Uint16Array(SMALLEST);
  #head = 0;
  #size = 0;
  /** From 0 and not from -Infinity, which would make the engine box the number: the clock is one that counts upwards. */
  #now = 0;

  /** @param length how long a time is held, in ms; below 65,536. */
  constructor(length: number) {
    if (!(length > 0 && length < SPAN)) throw new RangeError(`A ring holds less than ${SPAN} ms, not ${length}`);
    this.#length = length;
  }

  /** Times held as of the latest `advance`. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** Moves the present to `now`, integer ms, and lets go of what is `length` old. A `now` in the past changes nothing. */
  advance(now: number): void {
    const elapsed = now - this.#now;
    if (!(elapsed > 0)) return;
    if (elapsed >= this.#length) {
      this.#size = 0;
    } else {
      // Ages are read against the old present: against the new one they could be beyond 2^16 and look young again.
      const oldest = this.#length - elapsed;
      while (this.#size > 0 && this.age(0) >= oldest) {
        this.#head = this.#head + 1 === this.#slots.length ? 0 : this.#head + 1;
        this.#size -= 1;
      }
    }
    this.#now = now;
    if (this.#slots.length > 2 * this.#size + 2 * SMALLEST) this.#resize(this.#size + (this.#size >> 1));
  }

  /** How long ago the time at `index` was, 0 the oldest, in ms against the latest `advance`. */
  age(index: number): number {
    const at = this.#head + index;
    const slots = this.#slots;
    // The index is below `size` by contract; the fallback is for the type alone.
    return (this.#now - (slots[at < slots.length ? at : at - slots.length] ?? 0)) & (SPAN - 1);
  }

  /** Adds the present `count` times. */
  push(count: number): void {
    const size = this.#size + count;
    if (size > this.#slots.length) this.#resize(Math.max(size, this.#slots.length + (this.#slots.length >> 1)));
    const slots = this.#slots;
    let at = this.#head + this.#size;
    if (at >= slots.length) at -= slots.length;
    for (let left = count; left > 0; left -= 1) {
      slots[at] = this.#now;
      at = at + 1 === slots.length ? 0 : at + 1;
    }
    this.#size = size;
  }

  #resize(capacity: number): void {
    const old = this.#slots;
    const slots = new Uint16Array(Math.max(SMALLEST, capacity));
    const straight = Math.min(this.#size, old.length - this.#head);
    slots.set(old.subarray(this.#head, this.#head + straight));
    slots.set(old.subarray(0, this.#size - straight), straight);
    this.#slots = slots;
    this.#head = 0;
  }
}
