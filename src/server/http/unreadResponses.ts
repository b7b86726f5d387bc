import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** How often all connections are examined, in ms. Measured: 0.05 ms for 8,000 connections, and 3 ms if 800 of them wait. */
const INTERVAL = 1_000;

/**
 * How long a client may accept no byte of a response before its connection is closed, in ms. The operating systems of
 * both sides buffer some megabytes in addition, so even a client that is suspended for a moment stays below it.
 */
const STALL_TIME = 30_000;

/** Maximum number of bytes of responses that wait for all clients of a process. */
const MAX_BYTES = 128 * 2 ** 20;

/** Closed connections are reported at most once in this time, in ms. */
const REPORT_EVERY = 60_000;

/** Why a connection was closed: its client accepted nothing for too long, or too many bytes waited for all clients. */
export type UnreadReason = 'stalled' | 'crowded';

/** The bounds of unread responses. */
export interface UnreadOptions {
  /** Maximum number of bytes that wait for all clients. Default: 128 MiB. */
  readonly maxBytes?: number;
  /** How long a client may accept nothing, in ms. Default: 30,000. */
  readonly stallTime?: number;
  /** How often to examine the connections, in ms. Default: 1,000. */
  readonly interval?: number;
  /** In ms. Default: performance.now. */
  readonly now?: () => number;
  /** Called when connections were closed: immediately, and then at most once a minute for each reason. */
  readonly onClosed?: (reason: UnreadReason) => void;
}

interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: Handle | null;
}

/** A connection whose client has not accepted everything. */
interface Waiting {
  readonly socket: Socket;
  readonly bytes: number;
  /** The bytes of writes that are complete. */
  readonly completed: number;
  /** The bytes of the current write that the operating system has not accepted. */
  readonly queued: number;
  /** When bytes began to wait, and when the client last accepted some. */
  readonly since: number;
  readonly movedAt: number;
}

/**
 * Closes connections whose clients don't read their responses. Node keeps a response in memory until its client has
 * accepted it, without a timeout. They are found by regularly checking all connections, so that requests take no extra time.
 */
export class UnreadResponses {
  readonly #maxBytes: number;
  readonly #stallTime: number;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #onClosed: (reason: UnreadReason) => void;
  /** Connections that have waiting bytes, at the last look. */
  #waiting = new Map<Socket, Waiting>();
  /** Responses to pipelined requests. Node keeps them outside the socket until the responses before them have been sent. */
  readonly #behind = new Map<Socket, Set<ServerResponse>>();
  /** Connections of streams, which have {@link WaitingBytes}. */
  readonly #streams = new WeakSet<Socket>();
  #timer: NodeJS.Timeout | null = null;
  #closed = 0;
  readonly #reportedAt = new Map<UnreadReason, number>();

  constructor({ maxBytes, stallTime, interval, now, onClosed }: UnreadOptions = {}) {
    this.#maxBytes = maxBytes ?? MAX_BYTES;
    this.#stallTime = stallTime ?? STALL_TIME;
    this.#interval = interval ?? INTERVAL;
    this.#now = now ?? (() => performance.now());
    this.#onClosed = onClosed ?? (() => undefined);
  }

  /** The number of connections closed since the start. */
  get closed(): number {
    return this.#closed;
  }

  /** The number of waiting bytes at the last look. */
  get bytes(): number {
    let bytes = 0;
    for (const each of this.#waiting.values()) bytes += each.bytes;
    return bytes;
  }

  /**
   * Examines these connections regularly. Call it whenever a connection was opened.
   *
   * @param open the open connections, which change; the examination ends when there are none
   */
  watch(open: ReadonlyMap<Socket, unknown>): void {
    // One timer for all.
    this.#timer ??= setInterval(() => this.#look(open), this.#interval).unref();
  }

  /** Adds a response that waits for others on its connection. */
  pipelined(socket: Socket, response: ServerResponse): void {
    // Its last event has been emitted.
    if (socket.destroyed) return;
    let responses = this.#behind.get(socket);
    if (responses === undefined) {
      this.#behind.set(socket, (responses = new Set()));
      socket.once('close', () => this.#behind.delete(socket));
    }
    responses.add(response);
  }

  /** Leaves a connection to the bounds of streams. */
  isStream(socket: Socket): void {
    this.#streams.add(socket);
  }

  #look(open: ReadonlyMap<Socket, unknown>): void {
    if (open.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    const now = this.#now();
    const waiting = new Map<Socket, Waiting>();
    for (const socket of open.keys()) {
      if (socket.writableLength === 0 && !this.#behind.has(socket)) continue;
      if (socket.destroyed || this.#streams.has(socket)) continue;
      const each = this.#examine(socket, now);
      if (each.bytes > 0) waiting.set(socket, each);
    }
    this.#waiting = waiting;
    this.#closeStalled(now);
    this.#closeCrowded(now);
  }

  #examine(socket: Socket, now: number): Waiting {
    const before = this.#waiting.get(socket);
    const { writableLength } = socket;
    const queued = queuedIn(socket);
    // `bytesWritten` includes waiting bytes.
    const completed = socket.bytesWritten - writableLength;
    const hasMoved = completed !== before?.completed || queued !== before.queued || writableLength === 0;
    return {
      ...{ socket, completed, queued },
      bytes: Math.max(writableLength, queued) + this.#bytesBehind(socket),
      since: before?.since ?? now,
      movedAt: before === undefined || hasMoved ? now : before.movedAt,
    };
  }

  #bytesBehind(socket: Socket): number {
    const responses = this.#behind.get(socket);
    if (responses === undefined) return 0;
    let bytes = 0;
    for (const response of responses) {
      // If it has a socket, its bytes are the bytes of the socket.
      if (response.socket !== null || response.writableFinished) responses.delete(response);
      else bytes += response.writableLength;
    }
    return bytes;
  }

  #closeStalled(now: number): void {
    const stalled = [...this.#waiting.values()].filter(({ movedAt }) => now - movedAt >= this.#stallTime);
    for (const each of stalled) this.#close(each);
    if (stalled.length > 0) this.#report('stalled', now);
  }

  /** The longest pause and the most bytes come first, like with streams: a phone that pauses with little is not closed for others. */
  #closeCrowded(now: number): void {
    let { bytes } = this;
    if (bytes <= this.#maxBytes) return;
    const slowness = (each: Waiting): number => each.bytes * (1 + now - each.movedAt);
    const slowest = [...this.#waiting.values()].sort((a, b) => slowness(b) - slowness(a) || a.since - b.since);
    for (const each of slowest) {
      if (bytes <= this.#maxBytes) break;
      this.#close(each);
      bytes -= each.bytes;
    }
    this.#report('crowded', now);
  }

  #report(reason: UnreadReason, now: number): void {
    if (now - (this.#reportedAt.get(reason) ?? -Infinity) < REPORT_EVERY) return;
    this.#reportedAt.set(reason, now);
    this.#onClosed(reason);
  }

  #close({ socket }: Waiting): void {
    this.#closed += 1;
    this.#waiting.delete(socket);
    socket.destroy();
  }
}

/**
 * Returns how many bytes of the current write the operating system has not accepted. A response can be one write of
 * several megabytes, and `writableLength` changes only at its end. Node has no public name for this number, from which its own
 * socket timeout tells a slow write from a stalled one.
 */
function queuedIn(socket: Socket): number {
  const { _handle: handle } = socket as { readonly _handle?: Handle | null };
  // TLS encrypts a write at once, and its connection then sends the result.
  return handle?._parent?.writeQueueSize ?? handle?.writeQueueSize ?? 0;
}
