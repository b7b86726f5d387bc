import type { IncomingMessage, Server } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** Without a connection for this long, nobody sends requests here any more. In ms. */
const QUIET = 500;

/** How often to look for connections that have become idle, in ms. */
const INTERVAL = 50;

/** How often refused connections are reported at most, in ms. */
const REPORT_EVERY = 60_000;

export interface ConnectionsOptions {
  /** How many may be open. Further ones are closed as soon as they are accepted. Default: no bound. */
  readonly max?: number;
  /** Called when connections were refused: at once, and then at most once a minute. */
  readonly onRefused?: (max: number) => void;
}

/**
 * The open connections of a server, and how they end when the server stops.
 *
 * A server must not close a connection on which a request may be on its way: the caller would see ECONNRESET, and most
 * clients don't send a POST again. So the server first leaves ({@link leave}): it goes on answering, and each response says
 * `Connection: close`. What is closed after that has been idle the whole time.
 */
export class Connections {
  /** `true`: no request has arrived yet. Browsers and proxies open connections ahead of need. */
  readonly #open = new Map<Socket, boolean>();
  /** The latest request of a connection: pipelined ones wait behind each other. */
  readonly #latest = new WeakMap<Socket, IncomingMessage>();
  readonly #ending = new WeakSet<Socket>();
  /** Those of {@link take}. Unlike its own, a server doesn't wait for them when it closes. */
  readonly #taken = new Set<Socket>();
  #server: Server | null = null;
  #isEncrypted = false;
  #isLeaving = false;
  #lastSeen = 0;
  readonly #max: number;
  readonly #onRefused: (max: number) => void;
  /** Those of all kinds, also before their handshake. */
  #size = 0;
  #refused = 0;
  #reportedAt = -Infinity;

  constructor({ max = Infinity, onRefused = () => undefined }: ConnectionsOptions = {}) {
    this.#max = max;
    this.#onRefused = onRefused;
  }

  /** How many are open. */
  get size(): number {
    return this.#size;
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether the server has begun to stop. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Watches the connections of a server. Call it once, before the server listens. */
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

  /** Has the server serve without a listening socket. It gets its connections by {@link take}. */
  begin(): void {
    // Node begins to watch for slow requests and idle connections at this event.
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
    // As node:http accepts its own.
    socket.allowHalfOpen = true;
    this.#server?.emit('connection', socket);
  }

  /**
   * Notes that a request has arrived.
   *
   * @returns false: the connection was already told to close, and the request must not be processed (RFC 9112 section 9.6)
   */
  arrived(request: IncomingMessage): boolean {
    const { socket } = request;
    if (this.#open.get(socket) === true) this.#open.set(socket, false);
    this.#latest.set(socket, request);
    return !this.#ending.has(socket);
  }

  /**
   * Returns whether the response to this request must say `Connection: close`. Not where another request waits behind it,
   * which would be lost.
   */
  isLast(request: IncomingMessage): boolean {
    const { socket } = request;
    if (!this.#isLeaving || this.#latest.get(socket) !== request) return false;
    this.#ending.add(socket);
    return true;
  }

  /**
   * Asks callers to go elsewhere while everything is still answered.
   *
   * @param ms the longest that this takes. It ends early once nobody is connected.
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
   * Closes a server: new connections are refused, idle ones end, and running requests finish.
   *
   * @param close closes the server and resolves when its last connection has ended
   * @param ms what still runs after this time loses its connection
   * @returns whether everything was finished
   */
  async drain(close: () => Promise<unknown>, ms: number): Promise<boolean> {
    this.#isLeaving = true;
    const end = performance.now() + ms;
    // A request that has reached the machine is read before its connection is taken for idle.
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
    // A response that was on its way when the stop began didn't say that the connection closes.
    this.#server?.closeIdleConnections();
    // Node doesn't count connections without a first request as idle. One that has sent half a request may finish it. On an
    // encrypted one the handshake was read, so its bytes say nothing.
    for (const [socket, isUnused] of this.#open) {
      if (isUnused && (this.#isEncrypted || socket.bytesRead === 0)) socket.destroy();
    }
  }
}
