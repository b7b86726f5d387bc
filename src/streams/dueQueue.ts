interface Due<Item> {
  readonly at: number;
  readonly item: Item;
}

/** Items by the time at which they are due, the earliest first: a binary heap. */
export class DueQueue<Item> {
  readonly #heap: Due<Item>[] = [];

  /** When the first item is due; null: there is none. */
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

  /** Takes the first item that is due by then; null: none is. */
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

  /** Puts an item into the place of the first, and lets it down to where it belongs. */
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
