/** A name and its count. */
interface Frequency {
  readonly name: string;
  readonly times: number;
}

/**
 * Finds the most frequent names in limited memory, however many names there are. If a new name finds no free counter,
 * all counters decrease by one. A name that occurs more than n / (size + 1) times among n is always found, and its
 * count is too low by at most that number (Misra and Gries, Finding repeated elements, 1982). If the latest name were
 * dropped instead, a flood of new names could hide the important one.
 */
export class Frequent {
  readonly #size: number;
  readonly #counts = new Map<string, number>();

  /** @param size the number of counters */
  constructor(size: number) {
    this.#size = size;
  }

  add(name: string): void {
    const times = this.#counts.get(name);
    if (times !== undefined || this.#counts.size < this.#size) {
      this.#counts.set(name, (times ?? 0) + 1);
      return;
    }
    for (const [other, left] of this.#counts) {
      if (left === 1) this.#counts.delete(other);
      else this.#counts.set(other, left - 1);
    }
  }

  /** Returns at most `first` names, the most frequent first, and names with the same count in alphabetical order. */
  most(first: number): Frequency[] {
    return [...this.#counts]
      .map(([name, times]) => ({ name, times }))
      .sort((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1))
      .slice(0, first);
  }
}
