import { setImmediate as turn } from 'node:timers/promises';
import type { AuditDraft } from '../../core/store/audit.js';
import { StoreUnavailable } from '../../core/store/storeErrors.js';
import type { AuditStore } from '../../core/store/auditStore.js';

/** The interval in which entries are appended, in ms. */
const INTERVAL = 60_000;

/** Gathers a limited number of entries in memory. */
export interface EntrySource {
  /** Returns and clears the entries since the last call. */
  take(): readonly AuditDraft[];
}

/**
 * Appends entries that no request should wait for to the audit log: once a minute, and at the end. A crash loses up to a minute of
 * them. While the store is unavailable, no more entries are taken, and the sources continue to count.
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

  /** Resolves when all entries gathered so far were appended, or could not be. */
  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    this.#writing = this.#write();
    await this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** The remaining entries are retried unchanged. Their IDs prevent an entry from being appended twice. */
  async #write(): Promise<void> {
    try {
      await this.#append();
      this.#unwritten = this.#sources.flatMap((source) => source.take());
      await this.#append();
    } catch {
      // The store is unavailable.
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
        // An entry that the store refuses must not block the entries after it.
      }
      this.#unwritten.shift();
      // SQLite appends synchronously, so hundreds of entries in a row would delay every request.
      await turn();
    }
  }
}
