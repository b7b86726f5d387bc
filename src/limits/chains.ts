/** Times in one block, a power of two. Larger blocks leave more unused at both ends of a chain than a window may cost. */
const BLOCK = 16;
const MASK = BLOCK - 1;
const SHIFT = 4;
const NONE = -1;

/** How many blocks a chain of so many times takes, if it begins with a block. */
export function blocksFor(times: number): number {
  return (times + MASK) >> SHIFT;
}

/**
 * Many chains of times in two arrays: blocks of sixteen times, two bytes each, and for each block the number of the next.
 * A place is the index of a time; places of one chain are reached by `after` and `ahead` alone.
 *
 * Arrays of their own for each chain would cost more in the engine's heads than in contents, and its collector would have
 * to visit them: with a million chains it stops a request for a second. Equal blocks leave no holes that only small ones
 * fit into, and a chain grows and shrinks at its ends without being copied.
 */
export class Chains {
  #times: Uint16Array;
  #next: Int32Array;
  /** Blocks used so far, and the first of those given back, which are a chain themselves. */
  #top = 0;
  #free = NONE;

  /** @param blocks for how many there is room at first */
  constructor(blocks = 0) {
    this.#times = new Uint16Array(blocks * BLOCK);
    this.#next = new Int32Array(blocks);
  }

  get bytes(): number {
    return this.#times.byteLength + this.#next.byteLength;
  }

  /** The time modulo 2^16. */
  at(place: number): number {
    // A place is in the array by contract; the fallback, here and below, is for the type alone.
    return this.#times[place] ?? 0;
  }

  /** Begins a chain. @returns its one place */
  begin(time: number): number {
    const place = this.#take() << SHIFT;
    this.#times[place] = time;
    return place;
  }

  /** Adds a time behind the last place of a chain. @returns the new last place */
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

  /** The place behind this one. */
  after(place: number): number {
    return (place & MASK) === MASK ? (this.#next[place >> SHIFT] ?? 0) << SHIFT : place + 1;
  }

  /** The place `count` further on, in one step for each block between. */
  ahead(place: number, count: number): number {
    let first = place & ~MASK;
    let index = (place & MASK) + count;
    for (; index > MASK; index -= BLOCK) first = (this.#next[first >> SHIFT] ?? 0) << SHIFT;
    return first + index;
  }

  /** Takes the first place off a chain that has more than this one. @returns the new first place */
  behead(first: number): number {
    const place = this.after(first);
    if ((first & MASK) === MASK) this.release(first, first);
    return place;
  }

  /** Gives the blocks of a chain back, in one step however long it is. */
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

  /** By an eighth, which keeps the spare blocks within the cost of a window. */
  #grow(): void {
    const blocks = this.#top + (this.#top >> 3) + 1;
    const times = new Uint16Array(blocks * BLOCK);
    times.set(this.#times);
    this.#times = times;
    const next = new Int32Array(blocks);
    next.set(this.#next);
    this.#next = next;
  }
}
