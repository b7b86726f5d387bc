/** What somebody waits for. */
export interface Waiting {
  readonly start: () => void;
  /** Called instead of `start` if another owner's work takes the place. */
  readonly shed: () => void;
}

/**
 * A line of bounded length in which owners take turns: whoever brings much waits for their own work and not before that of
 * others. When the line is full, the owner with the most in it gives up the last that came, if that leaves them with no
 * less than whoever brings more.
 */
export class FairLine {
  readonly #max: number;
  /** By owner, in the order of their turns. */
  readonly #owners = new Map<string, Waiting[]>();
  #length = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false where there is no place */
  add(owner: string, waiting: Waiting): boolean {
    if (this.#length >= this.#max && !this.#makeRoom(this.#owners.get(owner)?.length ?? 0)) return false;
    const line = this.#owners.get(owner);
    if (line === undefined) this.#owners.set(owner, [waiting]);
    else line.push(waiting);
    this.#length += 1;
    return true;
  }

  /** Takes out what is next; null where nobody waits. */
  next(): Waiting | null {
    const [first] = this.#owners;
    if (first === undefined) return null;
    const [owner, line] = first;
    const waiting = line.shift() ?? null;
    // To the end of the turns.
    this.#owners.delete(owner);
    if (line.length > 0) this.#owners.set(owner, line);
    this.#length -= 1;
    return waiting;
  }

  #makeRoom(own: number): boolean {
    let longest: Waiting[] = [];
    for (const line of this.#owners.values()) if (line.length > longest.length) longest = line;
    if (longest.length <= own + 1) return false;
    longest.pop()?.shed();
    this.#length -= 1;
    return true;
  }
}
