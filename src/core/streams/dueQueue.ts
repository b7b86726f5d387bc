interface Due<Item> {
  readonly at: number;
  readonly item: Item;
}

/** Items sorted by the time at which they are due: a binary heap. */
export class DueQueue<Item> {
  readonly #heap: Due<Item>[] = [];

  /** The time at which the first item is due; null if there is none. */
  get next(): number | null {
    return this.#heap[0]?.at ?? null;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(at: number, item: Item): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = { at, item };
  }

  /** Removes and returns the first item that is due; null if none is due. */
  take(by: number): Due<Item> | null {
    const first = this.#heap[0];
    if (first === undefined || first.at > by) return null;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  /** Replaces the first item, and moves the new one down to its place. */
  #sink(due: Due<Item>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      let below = heap[child];
      if (below === undefined) break;
      const other = heap[child + 1];
      if (other !== undefined && other.at < below.at) {
        below = other;
        child += 1;
      }
      if (below.at >= due.at) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = due;
  }
}
