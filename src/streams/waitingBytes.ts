import { Refusal } from '../refusals/refusal.js';

/** What may wait for slow readers in a process by default, in bytes. */
const DEFAULT_MAX = 64 * 2 ** 20;

/** A connection on which bytes may wait. */
export interface Reader {
  readonly workspaceId: string;
  /** Bytes that wait for it, alone or among others: events, messages, and what is in its socket. */
  readonly waiting: number;
  /** Frees what can be freed, and ends the stream with that as its last word. */
  overflow(refusal: Refusal): void;
  /** Frees everything at once. */
  destroy(): void;
}

/**
 * Bounds what waits for slow readers in the whole process. What several streams wait for, an event or a message, counts once,
 * and the buffer of a socket for each. Past the bound the readers for whom most waits lose their streams, first those of the
 * workspace for which most waits: no tenant's readers pay for another's.
 */
export class WaitingBytes {
  readonly max: number;
  readonly #readers = new Set<Reader>();
  readonly #holders = new WeakMap<object, number>();
  #held = 0;
  #isFreeing = false;

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
    if (this.#held <= this.max || this.#isFreeing) return;
    this.#isFreeing = true;
    try {
      // The last word first, and the connection only where what it was sending still takes too much.
      this.#free((reader) => reader.overflow(this.#refusal()));
      this.#free((reader) => reader.destroy());
    } finally {
      this.#isFreeing = false;
    }
  }

  #free(end: (reader: Reader) => void): void {
    const workspaces = new Map<string, { bytes: number; readonly readers: { reader: Reader; bytes: number }[] }>();
    for (const reader of this.#readers) {
      const bytes = reader.waiting;
      if (bytes === 0) continue;
      const workspace = workspaces.get(reader.workspaceId) ?? { bytes: 0, readers: [] };
      workspaces.set(reader.workspaceId, workspace);
      workspace.bytes += bytes;
      workspace.readers.push({ reader, bytes });
    }
    for (const { readers } of workspaces.values()) readers.sort((a, b) => a.bytes - b.bytes);
    while (this.#held > this.max) {
      const [largest] = [...workspaces.values()].sort((a, b) => b.bytes - a.bytes);
      const next = largest?.readers.pop();
      if (largest === undefined || next === undefined) return;
      largest.bytes -= next.bytes;
      if (largest.readers.length === 0) largest.bytes = -1;
      end(next.reader);
    }
  }

  #refusal(): Refusal {
    return new Refusal(
      `Readers of streams are too slow: more than ${this.max} bytes waited for them on this server, and the most for this one. Read faster, select less, or have MAX_STREAM_BYTES raised. Then open the stream again and query the current state.`,
      { code: 'STREAM_OVERFLOW', bytes: this.max },
    );
  }
}
