/**
 * The number of times in a block, a power of two. Larger blocks would leave more unused space at both ends of a chain.
 */
const BLOCK = 16;
const MASK = BLOCK - 1;
const SHIFT = 4;
const NONE = -1;

/** Returns the number of blocks for a chain of this many times that begins at the start of a block. */
export function blocksFor(times: number): number {
  return (times + MASK) >> SHIFT;
}

/**
 * Stores many chains of times in two arrays: one with blocks of sixteen times, four bytes each, and one with the number
 * of the next block. A place is the index of a time. Only `after` and `ahead` lead from one place of a chain to
 * another.
 *
 * Separate arrays for each chain would need more memory for their headers than for their contents, and the garbage
 * collector would visit each of them, which stops all requests for a second at a million chains. Blocks of equal size
 * cause no fragmentation, and a chain grows and shrinks without being copied.
 */
export class Chains {
  #times: Uint32Array;
  #next: Int32Array;
  /** The number of blocks in use, and the first of the released blocks, which form a chain too. */
  #top = 0;
  #free = NONE;

  /** @param blocks the initial capacity */
  constructor(blocks = 0) {
    this.#times = new Uint32Array(blocks * BLOCK);
    this.#next = new Int32Array(blocks);
  }

  get bytes(): number {
    return this.#times.byteLength + this.#next.byteLength;
  }

  /** Returns the time at a place, modulo 2^32. */
  at(place: number): number {
    // The place is always valid. The fallback, here and below, only satisfies the type checker.
    return this.#times[place] ?? 0;
  }

  /** Replaces the value at a place. */
  set(place: number, time: number): void {
    this.#times[place] = time;
  }

  /** Starts a chain and returns its place. */
  begin(time: number): number {
    const place = this.#take() << SHIFT;
    this.#times[place] = time;
    return place;
  }

  /** Appends a time to a chain and returns its place. */
  append(last: number, time: number): number {
    let place = last + 1;
    if ((last & MASK) === MASK) {
      const block = this.#take();
      this.#next[last >> SHIFT] = block;
      place = block << SHIFT;
    }
    this.#times[place] = time;
    return place;
  }

  /** Returns the next place. */
  after(place: number): number {
    return (place & MASK) === MASK ? (this.#next[place >> SHIFT] ?? 0) << SHIFT : place + 1;
  }

  /** Returns the place `count` places later, in one step per block. */
  ahead(place: number, count: number): number {
    let first = place & ~MASK;
    let index = (place & MASK) + count;
    for (; index > MASK; index -= BLOCK) first = (this.#next[first >> SHIFT] ?? 0) << SHIFT;
    return first + index;
  }

  /** Removes the first time of a chain that has more than one. Returns the new first place. */
  behead(first: number): number {
    const place = this.after(first);
    if ((first & MASK) === MASK) this.release(first, first);
    return place;
  }

  /** Releases the blocks of a chain, in one step regardless of its length. */
  release(first: number, last: number): void {
    this.#next[last >> SHIFT] = this.#free;
    this.#free = first >> SHIFT;
  }

  #take(): number {
    const block = this.#free;
    if (block !== NONE) {
      this.#free = this.#next[block] ?? NONE;
      return block;
    }
    if (this.#top === this.#next.length) this.#grow();
    return this.#top++;
  }

  /** Grows by an eighth, so that the memory for spare blocks stays below the published cost of a window. */
  #grow(): void {
    const blocks = this.#top + (this.#top >> 3) + 1;
    const times = new Uint32Array(blocks * BLOCK);
    times.set(this.#times);
    this.#times = times;
    const next = new Int32Array(blocks);
    next.set(this.#next);
    this.#next = next;
  }
}
