import { createClient, type Client, type SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { GraphQLFormattedError } from 'graphql';
import { PRINCIPAL_HEADER } from '../../core/auth/signing/principalTokens.js';
import { UpstreamErrors, type ForwardedResults } from './forwardedResults.js';
import { badGateway, busy, CONNECT_TIME, refusalOfFault, timedOut } from './upstream.js';
import { lookupUpstream } from './upstreamAddress.js';

/** How long a connection without operations stays open, in ms. */
const IDLE_TIME = 10_000;

/** How often the upstream must answer a ping, in ms. */
const PING_EVERY = 15_000;

/** How long the upstream may take to close a connection, in ms. */
const CLOSE_TIME = 2_000;

/** The rest of a message around its result, in bytes. */
const ENVELOPE = 1_024;

/** The name of {@link PRINCIPAL_HEADER} in the payload of connection_init, as it is documented: JSON has no case folding. */
const IN_PAYLOAD = 'Latchkey-Principal';

/** The connections of this process to the upstream. */
export interface SocketCount {
  open: number;
  readonly max: number;
}

interface UpstreamSocketOptions {
  readonly url: string;
  /** Header fields of the request that opens the connection: names and values in turn. */
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
 * it was closed. Operations are never repeated.
 */
export class UpstreamSocket {
  readonly #options: UpstreamSocketOptions;
  readonly #client: Client;
  readonly #running = new Map<ForwardedResults, () => void>();
  /** Operations whose results wait for the caller. */
  readonly #full = new Set<ForwardedResults>();
  #socket: WebSocket | null = null;
  #size = 0;

  constructor(options: UpstreamSocketOptions) {
    this.#options = options;
    this.#client = createClient({
      url: options.url,
      webSocketImpl: this.#implementation(),
      connectionParams: () => ({ [IN_PAYLOAD]: options.sign() }),
      lazyCloseTimeout: IDLE_TIME,
      connectionAckWaitTimeout: this.#connectTime,
      retryAttempts: 0,
      on: {
        // The client would send the operations again on a new connection after a close with 1000.
        closed: (event) => this.#failed(event),
        error: (event) => this.#failed(event),
      },
    });
  }

  /**
   * Sends an operation. Call {@link ended} when its results have ended.
   *
   * @throws Refusal UNAVAILABLE if there are too many connections
   */
  run(payload: SubscribePayload, results: ForwardedResults): void {
    const { count } = this.#options;
    if (this.#socket === null && count.open >= count.max) throw busy();
    this.#running.set(results, () => undefined);
    const cancel = this.#client.subscribe(payload, {
      next: (result) => results.push(result, this.#size),
      // Faults of the connection arrive here, too, after #failed.
      error: (errors) => results.finish(new UpstreamErrors(errors as readonly GraphQLFormattedError[])),
      complete: () => results.finish(),
    });
    if (this.#running.has(results)) this.#running.set(results, cancel);
    else cancel();
  }

  /** Cancels an operation at the upstream, unless the upstream has ended it. */
  ended(results: ForwardedResults): void {
    const cancel = this.#running.get(results);
    this.#running.delete(results);
    cancel?.();
  }

  /** Stops reading as long as results wait for the caller. All operations have the same caller, who is too slow. */
  waits(results: ForwardedResults, isWaiting: boolean): void {
    if (isWaiting) this.#full.add(results);
    else this.#full.delete(results);
    if (this.#full.size > 0) this.#socket?.pause();
    else this.#socket?.resume();
  }

  close(): void {
    // Rejects if the connection was being opened, and failed.
    Promise.resolve(this.#client.dispose()).catch(() => undefined);
    const socket = this.#socket;
    socket?.resume();
    setTimeout(() => socket?.terminate(), CLOSE_TIME).unref();
  }

  get #connectTime(): number {
    return Math.min(CONNECT_TIME, this.#options.timeout);
  }

  #failed(event: unknown): void {
    const refusal = refusalOfEvent(event);
    for (const results of [...this.#running.keys()]) results.end(refusal);
  }

  /** Returns a WebSocket whose constructor has the options of this connection, as the client calls it. */
  #implementation(): new (address: string, protocols: string) => WebSocket {
    const options = this.#options;
    const handshakeTimeout = this.#connectTime;
    const opened = (socket: WebSocket): void => this.#opened(socket);
    return class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, {
          headers: headersOf([...options.headers, PRINCIPAL_HEADER, options.sign()]),
          maxPayload: options.maxBytes + ENVELOPE,
          handshakeTimeout,
          perMessageDeflate: false,
          followRedirects: false,
          lookup: lookupUpstream,
        });
        opened(this);
      }
    };
  }

  #opened(socket: WebSocket): void {
    const { count } = this.#options;
    this.#socket = socket;
    count.open += 1;
    let isAlive = true;
    const timer = setInterval(() => {
      // A paused connection receives no pong.
      if (!isAlive && !socket.isPaused) socket.terminate();
      isAlive = false;
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, PING_EVERY).unref();
    socket.on('pong', () => (isAlive = true));
    // Before the client's listener.
    socket.on('message', (data: Buffer) => (this.#size = data.length));
    socket.once('close', () => {
      clearInterval(timer);
      count.open -= 1;
      if (this.#socket === socket) this.#socket = null;
    });
  }
}

function headersOf(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) headers[pairs[i] ?? ''] = pairs[i + 1] ?? '';
  return headers;
}

/** The acknowledgement did not arrive in time. */
const NO_ACKNOWLEDGEMENT = 4504;

const CLOSED = 'The API behind the gateway closed the connection. Try again later.';
const NO_SOCKETS = 'The API behind the gateway did not accept a WebSocket. Its operator must correct this.';
const REFUSED = 'The API behind the gateway refused the connection. Its operator must correct this.';

/** Returns the refusal for a connection that was closed, or failed. */
function refusalOfEvent(event: unknown): Error {
  const { code, error, message = '' } = (event ?? {}) as { code?: unknown; error?: Error; message?: string };
  if (code === NO_ACKNOWLEDGEMENT || message.includes('handshake has timed out')) return timedOut();
  if (error !== undefined) {
    return /^(?:Unexpected server response|Server sent|Invalid)/.test(message)
      ? badGateway(NO_SOCKETS, error)
      : refusalOfFault(error).refusal;
  }
  return badGateway(typeof code === 'number' && code >= 4_400 && code < 4_500 ? REFUSED : CLOSED);
}
