/** A name, and how often it came. */
export interface Frequency {
  readonly name: string;
  readonly times: number;
}

/**
 * Which names come most, in bounded memory however many there are. Counters that all go down by one when a new name finds
 * none free: of n names, one that came more than n / (size + 1) times is there, and is counted at most that much too low
 * (Misra and Gries, Finding repeated elements, 1982). Dropping whoever came last would let a flood of new names hide the one
 * that matters.
 */
export class Frequent {
  readonly #size: number;
  readonly #counts = new Map<string, number>();

  /** @param size names that are counted at once */
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

  /** At most `first` of them, the most frequent first, those that came as often by name. */
  most(first: number): Frequency[] {
    return [...this.#counts]
      .map(([name, times]) => ({ name, times }))
      .sort((a, b) => b.times - a.times || (a.name < b.name ? -1 : 1))
      .slice(0, first);
  }
}
