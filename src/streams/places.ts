/** Counts the open streams of each key family: of this process, or of several together. */
export interface Places {
  /** Takes one of `limit` places. @returns was there one? @throws Refusal UNAVAILABLE where nobody can tell, or rejects with it */
  take(family: string, limit: number): boolean | Promise<boolean>;
  /** To be called once for each place that was taken. Neither waits nor throws. */
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
