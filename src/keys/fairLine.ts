/** What somebody waits for. */
export interface Waiting {
  readonly start: () => void;
  /** Called instead of `start` if another owner's work takes the place. */
  readonly shed: () => void;
}

/** The part of a line that one owner may fill. */
const SHARE = 1 / 4;

/** Why something was not added to a line: its owner's share is used up, or the line is full. */
export type NotAdded = 'share' | 'full';

/**
 * A line of bounded length in which owners take turns, so that an owner with much work delays mostly their own. An owner may
 * fill a quarter of the line. When the line is full, the owner with the most work in it loses the work that came last, if
 * they still have at least as much as the owner who needs the place.
 */
export class FairLine {
  readonly #max: number;
  readonly #share: number;
  /** By owner, in the order of their turns. */
  readonly #owners = new Map<string, Waiting[]>();
  #length = 0;

  /** @param share the most that one owner may have in it; default: a quarter */
  constructor(max: number, share = Math.max(1, Math.floor(max * SHARE))) {
    this.#max = max;
    this.#share = share;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns why it was not added; null: it was */
  add(owner: string, waiting: Waiting): NotAdded | null {
    const line = this.#owners.get(owner);
    const own = line?.length ?? 0;
    if (own >= this.#share) return 'share';
    if (this.#length >= this.#max && !this.#makeRoom(own)) return 'full';
    if (line === undefined) this.#owners.set(owner, [waiting]);
    else line.push(waiting);
    this.#length += 1;
    return null;
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
