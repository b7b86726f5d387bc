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
  #writing: Promise<void> | null = null;

  /** @param write one bulk write that never moves a time back; where it fails the uses are tried again */
  constructor(write: (uses: ReadonlyMap<string, number>) => Promise<void>) {
    this.#write = write;
    this.#timer = setInterval(() => {
      if (this.#writing === null) void this.flush();
    }, INTERVAL).unref();
  }

  /** @param at ms since the epoch */
  note(keyId: string, at: number): void {
    // A store that hangs or is away must not fill the memory: then the times of further keys are let go.
    if (this.#pending.size >= MAX_PENDING && !this.#pending.has(keyId)) return;
    this.#pending.set(keyId, at);
    if (this.#pending.size >= MAX_PENDING && this.#writing === null) void this.flush();
  }

  /** Resolves when all that was noted before is written, or could not be. */
  async flush(): Promise<void> {
    // One write at a time: a second one would keep a second batch in memory for as long as the store takes.
    while (this.#writing !== null) await this.#writing;
    const uses = this.#pending;
    if (uses.size === 0) return;
    this.#pending = new Map();
    this.#writing = this.#attempt(uses);
    await this.#writing;
  }

  async #attempt(uses: ReadonlyMap<string, number>): Promise<void> {
    try {
      await this.#write(uses);
    } catch {
      // The store is away. Newer times win over those that could not be written.
      for (const [keyId, at] of uses) {
        if (this.#pending.size < MAX_PENDING && !this.#pending.has(keyId)) this.#pending.set(keyId, at);
      }
    } finally {
      this.#writing = null;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
