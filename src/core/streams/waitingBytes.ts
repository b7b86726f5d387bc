import { Refusal } from '../errors/refusal.js';

/** The default for the bytes that may wait for slow readers in a process. */
const DEFAULT_MAX = 64 * 2 ** 20;

/** A connection with waiting bytes. */
export interface Reader {
  readonly workspaceId: string;
  /** Its stream has ended, and it is still sending the last message. */
  readonly isEnding: boolean;
  /** The bytes that wait for it, including those shared with others: events, messages and the buffer of its socket. */
  readonly waiting: number;
  /** The time for which its socket has sent nothing although bytes were waiting, in ms. */
  readonly stalledFor: number;
  /** Drops the waiting messages, and ends the stream with this error. */
  overflow(refusal: Refusal): void;
  /** Closes the connection immediately. */
  destroy(): void;
}

/**
 * Limits the bytes that wait for slow readers in the whole process. Events and messages that several streams share
 * count once, the buffer of a socket counts for each. Above half of the limit, the streams with the most waiting bytes are ended, beginning
 * in the workspace with the most waiting bytes, so that no tenant suffers because of another. At the limit,
 * their connections are closed.
 */
export class WaitingBytes {
  readonly max: number;
  readonly #readers = new Set<Reader>();
  readonly #holders = new WeakMap<object, number>();
  #held = 0;
  #isFreeing = false;
  /** The number of bytes when all readers were last examined. */
  #looked = 0;

  /** @param max in bytes. Default: 64 MiB */
  constructor(max = DEFAULT_MAX) {
    this.max = max;
  }

  /** The number of bytes that are currently waiting. */
  get held(): number {
    return this.#held;
  }

  /**
   * Adds a connection.
   *
   * @returns a function to call when the connection is closed
   */
  join(reader: Reader): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  /**
   * Counts shared bytes for one more stream.
   *
   * @param bytes the same each time
   */
  hold(thing: object, bytes: number): void {
    const holders = this.#holders.get(thing) ?? 0;
    this.#holders.set(thing, holders + 1);
    if (holders === 0) this.#held += bytes;
  }

  /** Releases shared bytes that a stream has sent or dropped. Call it once for each {@link hold}. */
  release(thing: object, bytes: number): void {
    const holders = this.#holders.get(thing) ?? 0;
    this.#holders.set(thing, holders - 1);
    if (holders === 1) this.#held -= bytes;
  }

  /** Updates the size of a socket's buffer. */
  change(bytes: number): void {
    this.#held += bytes;
  }

  /** Ends streams until the limit is met. Call it after adding bytes. */
  enforce(): void {
    if (this.#held <= this.max / 2) {
      this.#looked = 0;
      return;
    }
    // Streams that are ending keep the total above half for some time. Examining all readers for each message would take too
    // long.
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

  /** Above half: they get a last message, and a few seconds to receive it. Their bytes count as released. */
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

  /** Above the limit: connections that are ending are closed first. */
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
      `Readers of streams are too slow: too many bytes were waiting for them on this server, and most for this one. Read faster, select less, or ask the operator to raise MAX_STREAM_BYTES. Then open the stream again and query the current state.`,
      { code: 'STREAM_OVERFLOW', bytes: this.max },
    );
  }
}

interface Ranked {
  readonly reader: Reader;
  readonly bytes: number;
  /** A fast reader may have many bytes waiting, too. */
  readonly slowness: number;
}

/** Returns a function for the next reader: always the slowest of the workspace with the most waiting bytes; null if none. */
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
