import type { IncomingMessage, Server } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** If there was no connection for this long, clients no longer send requests here. In ms. */
const QUIET = 500;

/** How often to look for connections that have become idle, in ms. */
const INTERVAL = 50;

/** Refused connections are reported at most once in this time, in ms. */
const REPORT_EVERY = 60_000;

export interface ConnectionsOptions {
  /** Maximum number of open connections. More are closed as soon as they are accepted. Default: no limit. */
  readonly max?: number;
  /** Called when connections were refused: immediately, and then at most once a minute. */
  readonly onRefused?: (max: number) => void;
}

/**
 * The open connections of a server, and how they end when the server stops.
 *
 * A server must not close a connection while a request may be in transit: the caller would get ECONNRESET, and most
 * clients don't send a POST again. So the server first leaves ({@link leave}): it still responds, and each response has
 * `Connection: close`. A connection that is closed after that has been idle the whole time.
 */
export class Connections {
  /** `true`: no request has arrived yet. Browsers and proxies open connections in advance. */
  readonly #open = new Map<Socket, boolean>();
  /** The latest request of a connection. Pipelined requests wait for each other. */
  readonly #latest = new WeakMap<Socket, IncomingMessage>();
  readonly #ending = new WeakSet<Socket>();
  /** Connections from {@link take}. When a server closes, it waits only for connections that it accepted itself. */
  readonly #taken = new Set<Socket>();
  #server: Server | null = null;
  #isEncrypted = false;
  #isLeaving = false;
  #lastSeen = 0;
  readonly #max: number;
  readonly #onRefused: (max: number) => void;
  /** All connections, including those before their handshake. */
  #size = 0;
  #refused = 0;
  #reportedAt = -Infinity;

  constructor({ max = Infinity, onRefused = () => undefined }: ConnectionsOptions = {}) {
    this.#max = max;
    this.#onRefused = onRefused;
  }

  /** The number of open connections. */
  get size(): number {
    return this.#size;
  }

  /** The number of connections refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether the server has started to stop. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Watches the connections of a server. Call once, before the server listens. */
  watch(server: Server): void {
    this.#server = server;
    this.#isEncrypted = 'setSecureContext' in server;
    if (this.#max !== Infinity) server.maxConnections = this.#max;
    server.on('drop', () => this.#refuse());
    server.on('connection', (socket: Socket) => {
      this.#size += 1;
      socket.once('close', () => (this.#size -= 1));
    });
    server.on(this.#isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#open.set(socket, true);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#lastSeen = performance.now();
      });
    });
  }

  /** Starts a server without a listening socket. It gets its connections by {@link take}. */
  begin(): void {
    // Node starts to look for slow requests and idle connections at this event.
    this.#server?.emit('listening');
  }

  /** Serves a connection that another process has accepted. */
  take(socket: Socket): void {
    if (this.#size >= this.#max) {
      socket.destroy();
      this.#refuse();
      return;
    }
    this.#taken.add(socket);
    socket.once('close', () => this.#taken.delete(socket));
    // As node:http does for its own connections.
    socket.allowHalfOpen = true;
    this.#server?.emit('connection', socket);
  }

  /**
   * Records that a request has arrived.
   *
   * @returns false if the connection was already announced to close, so that the request must not be processed (RFC
   * 9112 section 9.6)
   */
  arrived(request: IncomingMessage): boolean {
    const { socket } = request;
    if (this.#open.get(socket) === true) this.#open.set(socket, false);
    this.#latest.set(socket, request);
    return !this.#ending.has(socket);
  }

  /**
   * Returns whether the response to this request must contain `Connection: close`. False if another request is waiting
   * on the connection, because it would be lost.
   */
  isLast(request: IncomingMessage): boolean {
    const { socket } = request;
    if (!this.#isLeaving || this.#latest.get(socket) !== request) return false;
    this.#ending.add(socket);
    return true;
  }

  /**
   * Asks callers to reconnect elsewhere, while all requests are still processed.
   *
   * @param ms the maximum time. Ends early once there are no connections.
   */
  async leave(ms: number): Promise<void> {
    this.#isLeaving = true;
    this.#lastSeen = performance.now();
    const end = this.#lastSeen + ms;
    while (performance.now() < end) {
      if (this.#open.size === 0 && performance.now() - this.#lastSeen >= QUIET) return;
      await delay(INTERVAL);
    }
  }

  /**
   * Closes a server: refuses new connections, closes idle ones, and waits for running requests.
   *
   * @param close closes the server and resolves when its last connection has ended
   * @param ms after this time, the remaining connections are closed
   * @returns whether all requests have finished
   */
  async drain(close: () => Promise<unknown>, ms: number): Promise<boolean> {
    this.#isLeaving = true;
    const end = performance.now() + ms;
    // Reads requests that have already reached this machine, before their connections look idle.
    await turn();
    await turn();
    const closed = close().then(() => this.#takenClosed());
    while (performance.now() < end) {
      this.#endIdle();
      if (await Promise.race([closed, delay(INTERVAL, false)])) return true;
    }
    this.#server?.closeAllConnections();
    for (const socket of this.#taken) socket.destroy();
    return false;
  }

  #refuse(): void {
    this.#refused += 1;
    if (performance.now() - this.#reportedAt < REPORT_EVERY) return;
    this.#reportedAt = performance.now();
    this.#onRefused(this.#max);
  }

  async #takenClosed(): Promise<true> {
    while (this.#taken.size > 0) await delay(INTERVAL);
    return true;
  }

  #endIdle(): void {
    // A response sent while the stop began may not have announced that the connection closes.
    this.#server?.closeIdleConnections();
    // Node doesn't treat connections without a first request as idle. A connection that has received half a request may
    // finish it. On an encrypted connection, bytes were already read for the handshake, so their number says nothing.
    for (const [socket, isUnused] of this.#open) {
      if (isUnused && (this.#isEncrypted || socket.bytesRead === 0)) socket.destroy();
    }
  }
}
