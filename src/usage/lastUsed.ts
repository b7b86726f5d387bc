/** How often uses are written, in ms. */
const INTERVAL = 5_000;

/** Keys remembered between two writes; what is beyond them is written early. */
const MAX_PENDING = 50_000;

/**
 * When keys were last used: gathered in memory, written in one go every few seconds and at the end, never on a request's
 * path. What a crash loses is the time of last use of some seconds.
 */
export class LastUsed {
  readonly #write: (uses: ReadonlyMap<string, number>) => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #pending = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  /** @param write one bulk write that never moves a time back; where it fails the uses are tried again */
  constructor(write: (uses: ReadonlyMap<string, number>) => Promise<void>) {
    this.#write = write;
    this.#timer = setInterval(() => void this.flush(), INTERVAL).unref();
  }

  /** @param at ms since the epoch */
  note(keyId: string, at: number): void {
    this.#pending.set(keyId, at);
    if (this.#pending.size >= MAX_PENDING) void this.flush();
  }

  /** Resolves when all that was noted before is written, or could not be. */
  flush(): Promise<void> {
    const uses = this.#pending;
    if (uses.size === 0) return this.#writing;
    this.#pending = new Map();
    this.#writing = this.#writing
      .then(() => this.#write(uses))
      .catch(() => {
        // The store is away. Newer times win; with too many waiting the oldest are let go, for memory is bounded.
        if (this.#pending.size + uses.size > MAX_PENDING) return;
        for (const [keyId, at] of uses) if (!this.#pending.has(keyId)) this.#pending.set(keyId, at);
      });
    return this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
