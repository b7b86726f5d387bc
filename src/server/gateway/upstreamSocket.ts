import { GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType, parseMessage, type Message } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Refusal } from '../../core/errors/refusal.js';
import { PRINCIPAL_HEADER } from '../../core/auth/signing/principalTokens.js';
import { UpstreamErrors, type ForwardedResults } from './forwardedResults.js';
import { memberOf } from './jsonMembers.js';
import { badGateway, busy, CONNECT_TIME, refusalOfFault, timedOut } from './upstream.js';
import { lookupUpstream } from './upstreamAddress.js';
import { WrittenResult } from './writtenPayloads.js';

/** How long a connection without operations stays open, in ms. */
const IDLE_TIME = 60_000;

/** How often the upstream must answer a ping, in ms. */
const PING_EVERY = 15_000;

/** How long the upstream may take to close a connection, in ms. */
const CLOSE_TIME = 2_000;

/** The rest of a message around its result, in bytes. */
const ENVELOPE = 1_024;

/** The bytes that may wait for the upstream on one connection. */
const MAX_BUFFERED = 2 ** 20;

/** Close codes: of RFC 6455, and of the GraphQL over WebSocket protocol for a message that can't be used. */
const NORMAL = 1000;
const UNACCEPTABLE = 4004;

const RESULTS: ReadonlySet<MessageType> = new Set([MessageType.Next, MessageType.Error, MessageType.Complete]);

/** An operation at the upstream. */
interface Sent {
  /** The message that starts it. */
  readonly text: string;
  readonly results: ForwardedResults;
}

/** The name of {@link PRINCIPAL_HEADER} in the payload of connection_init, as it is documented: JSON has no case folding. */
const IN_PAYLOAD = 'Latchkey-Principal';

/** The connections of this process to the upstream. */
export interface SocketCount {
  open: number;
  readonly max: number;
}

interface UpstreamSocketOptions {
  readonly url: string;
  /** Header fields of the request that opens the connection: alternating names and values. */
  readonly headers: readonly string[];
  /** Returns the value of Latchkey-Principal. */
  readonly sign: () => string;
  /** The maximum size of a result, in bytes. */
  readonly maxBytes: number;
  /** The maximum time to connect, in ms. */
  readonly timeout: number;
  readonly count: SocketCount;
}

/**
 * The connection to the upstream for the operations of one caller's connection. It is opened for the first operation, and again if
 * it was closed. Operations are never repeated, which graphql-ws's own client does after a close with 1000.
 */
export class UpstreamSocket {
  readonly #options: UpstreamSocketOptions;
  /** Keyed by the ID at the upstream. */
  readonly #running = new Map<string, Sent>();
  readonly #ids = new WeakMap<ForwardedResults, string>();
  /** Operations whose results wait for the caller. */
  readonly #full = new Set<ForwardedResults>();
  #socket: WebSocket | null = null;
  #isReady = false;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpstreamSocketOptions) {
    this.#options = options;
  }

  /**
   * Sends an operation. Call {@link ended} when its results have ended.
   *
   * @param payload the text of the operation, as JSON
   * @throws Refusal UNAVAILABLE if there are too many connections, or the principal can't be signed
   */
  run(payload: string, results: ForwardedResults): void {
    this.#sent += 1;
    const id = String(this.#sent);
    const text = `{"id":"${id}","type":"${MessageType.Subscribe}","payload":${payload}}`;
    this.#socket ??= this.#connect();
    if (this.#isReady) clearTimeout(this.#timer);
    this.#ids.set(results, id);
    this.#running.set(id, { text, results });
    if (this.#isReady) this.#sendText(text);
  }

  /** Cancels an operation at the upstream, unless the upstream has ended it. */
  ended(results: ForwardedResults): void {
    const id = this.#ids.get(results);
    if (id === undefined || !this.#running.delete(id) || !this.#isReady) return;
    this.#send({ id, type: MessageType.Complete });
    this.#rest();
  }

  /** Stops reading as long as results wait for the caller. All operations have the same caller, who is too slow. */
  waits(results: ForwardedResults, isWaiting: boolean): void {
    if (isWaiting) this.#full.add(results);
    else this.#full.delete(results);
    const socket = this.#socket;
    if (this.#full.size === 0) resume(socket);
    else if (socket?.readyState === WebSocket.OPEN) socket.pause();
  }

  close(): void {
    this.#leave(closedByUpstream(), NORMAL);
  }

  /** Closes the connection if it has no operations for some time. */
  #rest(): void {
    if (this.#running.size > 0 || !this.#isReady) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), IDLE_TIME).unref();
  }

  #connect(): WebSocket {
    const { url, headers, sign, maxBytes, timeout, count } = this.#options;
    if (count.open >= count.max) throw busy();
    const token = sign();
    const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL, {
      headers: headersOf([...headers, PRINCIPAL_HEADER, token]),
      maxPayload: maxBytes + ENVELOPE,
      perMessageDeflate: false,
      followRedirects: false,
      lookup: lookupUpstream,
    });
    count.open += 1;
    this.#timer = setTimeout(() => this.#leave(timedOut()), Math.min(CONNECT_TIME, timeout));
    const own = <Values extends unknown[]>(listener: (...values: Values) => void) => {
      return (...values: Values): void => {
        if (this.#socket === socket) listener(...values);
      };
    };
    socket.on(
      'open',
      own(() => this.#send({ type: MessageType.ConnectionInit, payload: { [IN_PAYLOAD]: token } })),
    );
    socket.on(
      'message',
      own((data: Buffer) => this.#read(data)),
    );
    socket.on(
      'error',
      own((error: Error) => this.#leave(refusalOfError(error))),
    );
    socket.on(
      'close',
      own((code: number) => this.#leave(closedByUpstream(code))),
    );
    const pings = pinging(socket);
    socket.once('close', () => {
      clearInterval(pings);
      count.open -= 1;
    });
    return socket;
  }

  #read(data: Buffer): void {
    const text = data.toString();
    let message: Message;
    try {
      message = parseMessage(text);
    } catch (error) {
      this.#leave(refusalOfFault(error).refusal);
      return;
    }
    if (message.type === MessageType.ConnectionAck && !this.#isReady) this.#acknowledged();
    // Without its payload, which may nest deeper than the stack.
    else if (message.type === MessageType.Ping) this.#send({ type: MessageType.Pong });
    else if (message.type !== MessageType.Pong) this.#receive(message, text, data.length);
  }

  #acknowledged(): void {
    clearTimeout(this.#timer);
    this.#isReady = true;
    for (const { text } of [...this.#running.values()]) this.#sendText(text);
    this.#rest();
  }

  /** @param text of the message @param size of the message, in bytes */
  #receive(message: Message, text: string, size: number): void {
    const isResult = RESULTS.has(message.type);
    if (!isResult || !this.#isReady) {
      this.#leave(refusalOfFault(new Error(`The upstream sent ${message.type}.`)).refusal);
      return;
    }
    const { id } = message as { readonly id: string };
    const results = this.#running.get(id)?.results;
    if (results === undefined) return;
    const payload = memberOf(text, 'payload') ?? '{}';
    if (message.type === MessageType.Next) {
      results.push(new WrittenResult(payload), size);
      return;
    }
    this.#running.delete(id);
    results.finish(message.type === MessageType.Error ? new UpstreamErrors(message.payload, payload) : null);
    this.#rest();
  }

  #send(message: Message): void {
    this.#sendText(JSON.stringify(message));
  }

  #sendText(text: string): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(text);
    // The upstream sends pings, but does not read.
    if (socket.bufferedAmount > MAX_BUFFERED) this.#leave(closedByUpstream());
  }

  /** Leaves the connection, and ends its operations. @param refusal for their caller @param code default: not acceptable */
  #leave(refusal: Refusal, code = UNACCEPTABLE): void {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#isReady = false;
    const running = [...this.#running.values()];
    this.#running.clear();
    if (socket !== null) {
      resume(socket);
      // Also before it is open: then it emits an error, and closes.
      socket.close(code);
      setTimeout(() => socket.terminate(), CLOSE_TIME).unref();
    }
    for (const { results } of running) results.end(refusal);
  }
}

/** Continues reading. A WebSocket of ws that failed to open can't be resumed. */
function resume(socket: WebSocket | null): void {
  if (socket?.isPaused === true) socket.resume();
}

/** Ends a connection that doesn't answer. */
function pinging(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  return setInterval(() => {
    // A paused connection receives no pong.
    if (!isAlive && !socket.isPaused) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, PING_EVERY).unref();
}

function headersOf(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) headers[pairs[i] ?? ''] = pairs[i + 1] ?? '';
  return headers;
}

const CLOSED = 'The API behind the gateway closed the connection. Try again later.';
const NO_SOCKETS = 'The API behind the gateway did not accept a WebSocket. Its operator must correct this.';
const REFUSED = 'The API behind the gateway refused the connection. Its operator must correct this.';

/** Returns the refusal for a connection that the upstream closed. @param code default: no code was sent */
function closedByUpstream(code = 1_005): Refusal {
  return badGateway(code >= 4_400 && code < 4_500 ? REFUSED : CLOSED);
}

/** Returns the refusal for a connection that failed. */
function refusalOfError(error: Error): Refusal {
  return /^(?:Unexpected server response|Server sent|Invalid (?:Upgrade|Sec-WebSocket))/.test(error.message)
    ? badGateway(NO_SOCKETS, error)
    : refusalOfFault(error).refusal;
}
