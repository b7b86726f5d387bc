import type { OpeningRequest } from './connectionSource.js';

/** The part of a WebSocket of `ws` that is used. Sockets of other packages may lack some of it. */
export interface Socket {
  /** 1: open. */
  readonly readyState?: number;
  readonly bufferedAmount?: number;
  close(code: number, reason: string): void;
  terminate?(): void;
}

/** A WebSocket of `ws`. */
export interface ServedSocket extends Required<Socket> {
  on(event: 'message' | 'ping' | 'close', listener: () => void): unknown;
}

interface ServerBounds {
  maxPayload?: number | undefined;
}

/** The part of a `WebSocketServer` of `ws` that is used. */
export interface SocketServer {
  readonly options: ServerBounds;
  on(event: 'connection', listener: (socket: ServedSocket) => void): unknown;
}

/** How much one connection may send. */
export interface SocketBounds {
  /** The size of a message, in bytes. */
  readonly maxMessageBytes: number;
  /** Messages and pings in one second. */
  readonly maxMessages: number;
  /** Connections whose key was not verified yet. */
  readonly maxUnverified: number;
}

/** The bytes that may wait in the buffer of one connection, before answers to its pings make it longer. */
const MAX_BUFFERED = 32 * 2 ** 20;

const SECOND = 1_000;

/** A connection can send connection_init and some pings before it is acknowledged. */
const MAX_BEFORE_INIT = 10;

/** Bounds connections before GraphQL messages are read. */
export class BoundSockets {
  readonly #bounds: SocketBounds;
  readonly #unverified = new Set<Socket>();

  constructor(bounds: SocketBounds) {
    this.#bounds = bounds;
  }

  /** Bounds the messages of all connections of a server, which are then not read if they are longer. */
  boundMessages(options: ServerBounds): void {
    const { maxPayload = 0 } = options;
    // For ws, 0 means that there is no limit.
    options.maxPayload = Math.min(maxPayload === 0 ? Infinity : maxPayload, this.#bounds.maxMessageBytes);
  }

  /** Bounds a connection. Call it before graphql-ws listens to it, so that a message over the bounds is not read. */
  add(socket: ServedSocket): void {
    const unverified = this.#unverified;
    // Clients send their key immediately, so the oldest connection without a key is the least likely to send one.
    const [oldest] = unverified;
    if (unverified.size >= this.#bounds.maxUnverified && oldest !== undefined) {
      unverified.delete(oldest);
      oldest.terminate?.();
    }
    unverified.add(socket);
    const meter = new MessageMeter(socket, this.#bounds.maxMessages);
    const count = (): void => meter.count(unverified.has(socket));
    socket.on('message', count);
    socket.on('ping', count);
    socket.on('close', () => unverified.delete(socket));
  }

  /** The key of a connection was verified. */
  verified(socket: Socket): void {
    this.#unverified.delete(socket);
  }
}

/**
 * Bounds the connections of a WebSocket server. Call it before graphql-ws listens to the server.
 *
 * @returns a function to call when the key of a connection was verified
 */
export function boundSockets(server: SocketServer, bounds: SocketBounds): (socket: Socket) => void {
  const sockets = new BoundSockets(bounds);
  sockets.boundMessages(server.options);
  server.on('connection', (socket) => sockets.add(socket));
  return (socket) => sockets.verified(socket);
}

/** Counts the messages of one connection. Most are operations, which have limits of their own; pings have none. */
class MessageMeter {
  readonly #socket: ServedSocket;
  readonly #max: number;
  #since = -Infinity;
  #messages = 0;

  constructor(socket: ServedSocket, max: number) {
    this.#socket = socket;
    this.#max = max;
  }

  count(isUnverified: boolean): void {
    const now = performance.now();
    if (!isUnverified && now - this.#since >= SECOND) {
      this.#since = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    const max = isUnverified ? MAX_BEFORE_INIT : this.#max;
    if (this.#messages > max) this.#socket.close(1008, 'Too many messages. Send fewer messages in a second.');
    // Messages are still read while the connection is closing.
    if (this.#messages > 2 * max) this.#socket.terminate();
    // The caller sends, but does not read: a close frame would wait in the same buffer.
    if (this.#socket.bufferedAmount > MAX_BUFFERED) this.#socket.terminate();
  }
}

/** The socket of a connection, and the request that opened it. */
export interface Extra {
  readonly socket: Socket;
  readonly request: OpeningRequest;
}

/** @throws TypeError for a transport that is not supported */
export function extraOf(extra: unknown): Extra {
  const { socket, request } = (extra ?? {}) as Partial<Extra>;
  if (typeof (socket as Partial<Socket> | undefined)?.close !== 'function' || typeof request !== 'object') {
    throw new TypeError(
      'latchkeyWs: the context of graphql-ws has no extra.socket and extra.request. Use useServer of graphql-ws/use/ws, or pass both as the second argument of opened.',
    );
  }
  return extra as Extra;
}
