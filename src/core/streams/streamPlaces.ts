/** Counts the open streams of each key family: in this process, or for several processes. */
export interface Places {
  /**
   * Takes one of `limit` places.
   *
   * @returns whether there was one
   * @throws {@link Refusal} UNAVAILABLE if the count is unknown; it may reject instead
   */
  take(family: string, limit: number): boolean | Promise<boolean>;
  /** Releases a place. Call it once per place. Neither waits nor throws. */
  giveBack(family: string): void;
}

/** Counts in memory. */
export class OwnPlaces implements Places {
  readonly #taken = new Map<string, number>();

  take(family: string, limit: number): boolean {
    const taken = this.#taken.get(family) ?? 0;
    if (taken >= limit) return false;
    this.#taken.set(family, taken + 1);
    return true;
  }

  giveBack(family: string): void {
    const left = (this.#taken.get(family) ?? 0) - 1;
    if (left > 0) this.#taken.set(family, left);
    else this.#taken.delete(family);
  }
}
