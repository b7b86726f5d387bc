/** Work that waits in the queue. */
interface Waiting {
  readonly start: () => void;
  /** Called instead of `start` if work of another owner replaces this work. */
  readonly shed: () => void;
}

/** The maximum part of the queue for one owner. */
const SHARE = 1 / 4;

/** The reason why work was not added: its owner's share is used up, or the queue is full. */
export type NotAdded = 'share' | 'full';

/**
 * A bounded queue in which owners take turns, so that an owner with much work mostly delays their own. One owner can fill a
 * quarter of the queue. If the queue is full, new work replaces the newest work of the owner with the most work, provided
 * that this owner still has at least as much as the new work's owner.
 */
export class FairLine {
  readonly #max: number;
  readonly #share: number;
  /** By owner, in the order of their turns. */
  readonly #owners = new Map<string, Waiting[]>();
  #length = 0;

  /**
   * @param max the maximum length
   * @param share the maximum number of entries of one owner; default: a quarter of `max`
   */
  constructor(max: number, share = Math.max(1, Math.floor(max * SHARE))) {
    this.#max = max;
    this.#share = share;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds work to the queue. @returns the reason why it was not added; null if it was added */
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

  /** Removes the next work and returns it; null if the queue is empty. */
  next(): Waiting | null {
    const [first] = this.#owners;
    if (first === undefined) return null;
    const [owner, line] = first;
    const waiting = line.shift() ?? null;
    // The owner moves to the end of the turns.
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
