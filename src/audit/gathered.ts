import { setImmediate as turn } from 'node:timers/promises';
import type { AuditDraft } from '../store/audit.js';
import { StoreUnavailable } from '../store/errors.js';
import type { AuditStore } from '../store/store.js';

/** How often what was gathered is appended, in ms. */
const INTERVAL = 60_000;

/** Gathers entries in memory, no more than a bounded number of them. */
export interface EntrySource {
  /** What was gathered since the last time. It is forgotten with that. */
  take(): readonly AuditDraft[];
}

/**
 * Appends to the audit log what requests give rise to and none of them may wait for: once a minute, and at the end. A
 * crash loses up to a minute of it. While the store is away nothing more is taken than was, and the sources go on counting.
 */
export class GatheredEntries {
  readonly #audit: Pick<AuditStore, 'append'>;
  readonly #sources: readonly EntrySource[];
  readonly #timer: NodeJS.Timeout;
  #unwritten: AuditDraft[] = [];
  #writing: Promise<void> | null = null;

  constructor(audit: Pick<AuditStore, 'append'>, sources: readonly EntrySource[]) {
    this.#audit = audit;
    this.#sources = sources;
    this.#timer = setInterval(() => {
      if (this.#writing === null) void this.flush();
    }, INTERVAL).unref();
  }

  /** Resolves when all that was gathered before is appended, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.#writing = this.#write();
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** What is left over is tried again as it is: by its id an entry that was appended after all is not appended twice. */
  async #write(): Promise<void> {
    try {
      await this.#append();
      this.#unwritten = this.#sources.flatMap((source) => source.take());
      await this.#append();
    } catch {
      // The store is away.
    } finally {
      this.#writing = null;
    }
  }

  /** @throws StoreUnavailable */
  async #append(): Promise<void> {
    for (let entry = this.#unwritten[0]; entry !== undefined; entry = this.#unwritten[0]) {
      try {
        await this.#audit.append(entry);
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        // One that no store takes must not stand in the way of all that come after it.
      }
      this.#unwritten.shift();
      // SQLite appends without a wait: hundreds on end would hold up every request.
      await turn();
    }
  }
}
