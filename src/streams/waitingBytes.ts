import { Refusal } from '../refusals/refusal.js';

/** What may wait for slow readers in a process by default, in bytes. */
const DEFAULT_MAX = 64 * 2 ** 20;

/** A connection on which bytes may wait. */
export interface Reader {
  readonly workspaceId: string;
  /** Its stream has ended, and it is still taking the last word. */
  readonly isEnding: boolean;
  /** Bytes that wait for it, alone or among others: events, messages, and what is in its socket. */
  readonly waiting: number;
  /** For how many ms its socket has taken nothing while something waited. */
  readonly stalledFor: number;
  /** Frees what can be freed, and ends the stream with that as its last word. */
  overflow(refusal: Refusal): void;
  /** Frees everything at once. */
  destroy(): void;
}

/**
 * Bounds what waits for slow readers in the whole process. What several streams wait for, an event or a message, counts once,
 * and the buffer of a socket for each. Past half of the bound the readers for whom most waits lose their streams, first those of
 * the workspace for which most waits: no tenant's readers pay for another's. At the bound their connections are closed.
 */
export class WaitingBytes {
  readonly max: number;
  readonly #readers = new Set<Reader>();
  readonly #holders = new WeakMap<object, number>();
  #held = 0;
  #isFreeing = false;
  /** What was held at the last look at all readers. */
  #looked = 0;

  /** @param max in bytes. Default: 64 MiB */
  constructor(max = DEFAULT_MAX) {
    this.max = max;
  }

  /** Bytes that wait now. */
  get held(): number {
    return this.#held;
  }

  /** @returns to be called when the connection is closed */
  join(reader: Reader): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  /** One more stream keeps that. @param bytes what it takes, the same each time */
  hold(thing: object, bytes: number): void {
    const holders = this.#holders.get(thing) ?? 0;
    this.#holders.set(thing, holders + 1);
    if (holders === 0) this.#held += bytes;
  }

  /** A stream that kept it has sent it, or has ended. To be called once for each {@link hold}. */
  release(thing: object, bytes: number): void {
    const holders = this.#holders.get(thing) ?? 0;
    this.#holders.set(thing, holders - 1);
    if (holders === 1) this.#held -= bytes;
  }

  /** The buffer of a socket grew, or shrank. */
  change(bytes: number): void {
    this.#held += bytes;
  }

  /** Ends streams until the bound is kept. To be called after something was held. */
  enforce(): void {
    if (this.#held <= this.max / 2) {
      this.#looked = 0;
      return;
    }
    // Readers that are ending keep it above the half for a while. Not each message is worth a look at all readers.
    if (this.#isFreeing || (this.#held <= this.max && this.#held - this.#looked < this.max / 64)) return;
    this.#isFreeing = true;
    try {
      this.#endSlowest();
      this.#closeSlowest();
    } finally {
      this.#looked = this.#held;
      this.#isFreeing = false;
    }
  }

  /** Past the half: their last word, and some seconds to take it. What they still keep then is as good as freed. */
  #endSlowest(): void {
    let pledged = 0;
    for (const reader of this.#readers) if (reader.isEnding) pledged += reader.waiting;
    const next = slowestFirst([...this.#readers].filter(({ isEnding }) => !isEnding));
    while (this.#held - pledged > this.max / 2) {
      const reader = next();
      if (reader === null) return;
      reader.overflow(this.#refusal());
      pledged += reader.waiting;
    }
  }

  /** Past the bound itself: the connections of those that are ending, then of others. */
  #closeSlowest(): void {
    if (this.#held <= this.max) return;
    const readers = [...this.#readers];
    for (const isEnding of [true, false]) {
      const next = slowestFirst(readers.filter((reader) => reader.isEnding === isEnding));
      while (this.#held > this.max) {
        const reader = next();
        if (reader === null) break;
        reader.destroy();
      }
    }
  }

  #refusal(): Refusal {
    return new Refusal(
      `Readers of streams are too slow: too many bytes waited for them on this server, and the most for this one. Read faster, select less, or have MAX_STREAM_BYTES raised. Then open the stream again and query the current state.`,
      { code: 'STREAM_OVERFLOW', bytes: this.max },
    );
  }
}

interface Ranked {
  readonly reader: Reader;
  readonly bytes: number;
  /** One that reads fast may have much on its way, too. */
  readonly slowness: number;
}

/** Returns readers one after the other: always the slowest of the workspace for which most waits. Null: none is left. */
function slowestFirst(readers: readonly Reader[]): () => Reader | null {
  const workspaces = new Map<string, { bytes: number; readonly readers: Ranked[] }>();
  for (const reader of readers) {
    const bytes = reader.waiting;
    if (bytes === 0) continue;
    const workspace = workspaces.get(reader.workspaceId) ?? { bytes: 0, readers: [] };
    workspaces.set(reader.workspaceId, workspace);
    workspace.bytes += bytes;
    workspace.readers.push({ reader, bytes, slowness: bytes * (1 + reader.stalledFor) });
  }
  for (const workspace of workspaces.values()) workspace.readers.sort((a, b) => a.slowness - b.slowness);
  return () => {
    let most: { bytes: number; readonly readers: Ranked[] } | null = null;
    for (const workspace of workspaces.values()) {
      if (workspace.readers.length > 0 && (most === null || workspace.bytes > most.bytes)) most = workspace;
    }
    const next = most?.readers.pop();
    if (most === null || next === undefined) return null;
    most.bytes -= next.bytes;
    return next.reader;
  };
}
