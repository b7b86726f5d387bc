import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { stopAccepting } from '../net/stopAccepting.js';
import { UnreadResponses, type UnreadOptions } from './unreadResponses.js';

/** If there was no connection for this long, clients no longer send requests here. In ms. */
const QUIET = 500;

/**
 * How long a client may take to send the first bytes of a request on a new connection, after the server has stopped accepting connections,
 * in ms. Also the least time for clients to notice `Connection: close` on connections that they keep.
 */
export const GRACE = 1_000;

/** How often to look for connections that have become idle, in ms. */
const INTERVAL = 50;

/** Refused connections are reported at most once in this time, in ms. */
const REPORT_EVERY = 60_000;

interface ConnectionsOptions {
  /** Maximum number of open connections. Additional connections are closed as soon as they are accepted. Default: no limit. */
  readonly max?: number;
  /** Called when connections were refused: immediately, and then at most once a minute. */
  readonly onRefused?: (max: number) => void;
  /** The bounds of responses that clients don't read. Default: the limits of {@link UnreadResponses}. */
  readonly unread?: UnreadOptions;
}

/** An open connection. */
interface Connection {
  /** null if it has received a request. Browsers and proxies open connections in advance. */
  unused: Unused | null;
  /** The number of its requests. Pipelined ones wait for each other. */
  requests: number;
  /** Whether a response has announced that it closes. */
  isEnding: boolean;
}

/**
 * The number of a request on its connection. A map with the latest request of each connection would keep these requests in memory
 * for so long that the garbage collector moves all of them to its old generation.
 */
const NUMBER = Symbol('number');

type Numbered = IncomingMessage & { [NUMBER]?: number };

/** A connection without a first request. */
interface Unused {
  /** When it was accepted, or its TLS handshake was complete, by performance.now(). */
  readonly since: number;
  /** The number of bytes read for the TLS handshake. */
  readonly bytes: number;
}

/**
 * The open connections of a server, and how they end when the server stops.
 *
 * A server must not close a connection while a request may be in transit: the caller would get ECONNRESET, and most
 * clients don't send a POST again. So the server first leaves ({@link leave}): it still responds, and each response has
 * `Connection: close`. A connection that is closed after that has been idle the whole time. A new connection has
 * {@link GRACE} for its first request.
 */
export class Connections {
  readonly unread: UnreadResponses;
  readonly #open = new Map<Socket, Connection>();
  /** Connections from {@link take}. When a server closes, it waits only for connections that it accepted itself. */
  readonly #taken = new Set<Socket>();
  #server: Server | null = null;
  #others: readonly NetServer[] = [];
  #isEncrypted = false;
  #isLeaving = false;
  #lastSeen = 0;
  readonly #max: number;
  readonly #onRefused: (max: number) => void;
  /** All connections, including those before their handshake. */
  #size = 0;
  #refused = 0;
  #onRoom = (): void => undefined;
  #onCut = (): void => undefined;
  #reportedAt = -Infinity;

  constructor({ max = Infinity, onRefused = () => undefined, unread = {} }: ConnectionsOptions = {}) {
    this.unread = new UnreadResponses(unread);
    this.#max = max;
    this.#onRefused = onRefused;
  }

  /** The number of open connections. */
  get size(): number {
    return this.#size;
  }

  /** Whether the next connection would be refused. */
  get isFull(): boolean {
    return this.#size >= this.#max;
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
      socket.once('close', () => {
        this.#size -= 1;
        if (this.#size === this.#max - 1) this.#onRoom();
      });
    });
    server.on(this.#isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
      const unused = { since: performance.now(), bytes: this.#isEncrypted ? socket.bytesRead : 0 };
      this.#open.set(socket, { unused, requests: 0, isEnding: false });
      this.unread.watch(this.#open);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#lastSeen = performance.now();
      });
    });
  }

  /** Calls `callback` whenever a connection has ended and the server is no longer full. Call this method once. */
  onRoom(callback: () => void): void {
    this.#onRoom = callback;
  }

  /**
   * Calls `callback` when {@link drain} is about to close connections whose requests still run, so that connections of other
   * protocols can send a last message. Call this method once.
   */
  onCut(callback: () => void): void {
    this.#onCut = callback;
  }

  /** Starts a server without a listening socket. It gets its connections by {@link take}. */
  begin(): void {
    // Node starts to look for slow requests and idle connections at this event.
    this.#server?.emit('listening');
  }

  /** Serves the connections of more listening sockets. They close with the server. */
  alsoAccept(servers: readonly NetServer[]): void {
    this.#others = servers;
    for (const server of servers) server.on('connection', (socket) => this.take(socket));
  }

  /** Serves a connection that another process, or another listening socket, has accepted. */
  take(socket: Socket): void {
    if (this.isFull) {
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
   * Records that a request has arrived. Additional calls for it have no effect.
   *
   * @param response default: the request is an upgrade
   * @returns false if the connection was already announced to close, so that the request must not be processed (RFC
   * 9112 section 9.6)
   */
  arrived(request: Numbered, response?: ServerResponse): boolean {
    const { socket } = request;
    if (response?.socket === null) this.unread.pipelined(socket, response);
    const connection = this.#open.get(socket);
    if (connection === undefined) return true;
    connection.unused = null;
    request[NUMBER] ??= connection.requests += 1;
    return !connection.isEnding;
  }

  /**
   * Returns whether the response must wait until the rest of its request has been read, because the connection closes after it.
   * Node closes the connection right after its last response. If unread bytes remain, or arrive later, the kernel resets the
   * connection, and the caller may never see the response.
   */
  mustReadFirst(request: IncomingMessage): boolean {
    // A caller that expects `100 Continue` sends no body after a refusal.
    return this.#isLeaving && !request.complete && request.headers.expect === undefined;
  }

  /**
   * Returns whether the response to this request must contain `Connection: close`. False if another request is waiting
   * on the connection, because it would be lost.
   */
  isLast(request: Numbered): boolean {
    if (!this.#isLeaving) return false;
    const connection = this.#open.get(request.socket);
    if (connection === undefined || connection.requests !== request[NUMBER]) return false;
    connection.isEnding = true;
    return true;
  }

  /**
   * Asks callers to reconnect elsewhere, while all requests are still processed.
   *
   * @param ms the maximum time, but at least {@link GRACE} while there are connections. Ends early once there are none.
   */
  async leave(ms: number): Promise<void> {
    this.#isLeaving = true;
    this.#lastSeen = performance.now();
    const end = this.#lastSeen + Math.max(ms, GRACE);
    const quiet = Math.min(ms, QUIET);
    while (performance.now() < end) {
      if (this.#open.size === 0 && performance.now() - this.#lastSeen >= quiet) return;
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
    await stopAccepting([...(this.#server === null ? [] : [this.#server]), ...this.#others]);
    const closed = close().then(() => this.#takenClosed());
    while (performance.now() < end) {
      this.#endIdle();
      if (await Promise.race([closed, delay(INTERVAL, false)])) return true;
      // A request that has reached the machine is read before its connection is considered idle.
      await turn();
    }
    this.#onCut();
    await delay(INTERVAL);
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
    // finish it.
    const before = performance.now() - GRACE;
    for (const [socket, { unused }] of this.#open) {
      if (unused !== null && unused.since <= before && socket.bytesRead === unused.bytes) socket.destroy();
    }
  }
}
