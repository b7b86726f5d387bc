import type { Dispatcher, Pool } from 'undici';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { lookupUpstream } from './upstreamAddress.js';

/** How long a connection may take, in ms. */
export const CONNECT_TIME = 5_000;

/** The maximum size of the header of a response, in bytes. */
const MAX_HEADER_BYTES = 16 * 2 ** 10;

interface UpstreamOptions {
  /** The address of the endpoint. */
  readonly url: string;
  /** The maximum time for a response, in ms. */
  readonly timeout: number;
  /** The maximum number of connections, and therefore of concurrent requests. */
  readonly connections: number;
  /** The gateway's own credential at the upstream: the value of Authorization; null if none. */
  readonly authorization: string | null;
}

/** A request to the upstream. */
export interface Sent {
  readonly method: 'GET' | 'POST';
  /** Appended to the path, with `?`. Default: nothing. */
  readonly search?: string;
  /** Alternating names and values. */
  readonly headers: string[];
  readonly body: Dispatcher.DispatchOptions['body'];
  /** Whether the request may be sent again if its connection failed before anything was sent. */
  readonly isSafe: boolean;
}

/** The result of a request. */
export type UpstreamOutcome = 'answered' | 'unreachable' | 'invalid' | 'timeout' | 'cancelled';

/**
 * The API behind the gateway, over pooled connections with HTTP/1.1. Redirects are not followed: an upstream could send the gateway, and
 * the credential of a caller, to any address.
 */
export class Upstream {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #options: UpstreamOptions;
  #underWay = 0;

  private constructor(options: UpstreamOptions, pool: Pool) {
    this.#options = options;
    this.#path = new URL(options.url).pathname;
    this.#pool = pool;
  }

  /** Opens no connection before the first request. */
  static async open(options: UpstreamOptions): Promise<Upstream> {
    // Here, because a service without a gateway needs no undici, and its import replaces the agent of Node's fetch. From 7.26 to 7.30,
    // undici ends the process if a server closes a connection while the response is paused.
    const { Pool: UndiciPool } = await import('undici');
    const { url, connections } = options;
    const pool = new UndiciPool(new URL(url).origin, {
      connections,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The gateway has a timer for the whole response.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: Math.min(CONNECT_TIME, options.timeout), lookup: lookupUpstream },
    });
    return new Upstream(options, pool);
  }

  get url(): string {
    return this.#options.url;
  }

  /** In ms. */
  get timeout(): number {
    return this.#options.timeout;
  }

  /** The number of running requests. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Sends a request. The handler is called as undici describes it; `onResponseError` gets a Refusal.
   *
   * @throws Refusal UNAVAILABLE if all connections are in use
   */
  send(request: Sent, handler: UpstreamHandler): void {
    // The pool would queue any number of requests.
    if (this.#underWay >= this.#options.connections) throw busy();
    this.#underWay += 1;
    this.#dispatch(request, handler, request.isSafe);
  }

  #dispatch(request: Sent, handler: UpstreamHandler, mayRepeat: boolean): void {
    const { method, search = '', headers, body } = request;
    const { authorization } = this.#options;
    const exchange = new Exchange(handler, {
      ended: () => (this.#underWay -= 1),
      repeat: mayRepeat ? () => this.#dispatch(request, handler, false) : null,
    });
    this.#pool.dispatch(
      {
        method,
        path: `${this.#path}${search}`,
        headers: authorization === null ? headers : [...headers, 'authorization', authorization],
        body: body ?? null,
      },
      exchange,
    );
  }

  /** Closes all connections. Running requests are cut off. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Receives a response. */
export interface UpstreamHandler {
  /** @param abort ends the exchange; {@link failed} is called with the reason */
  started(controller: Dispatcher.DispatchController): void;
  headers(controller: Dispatcher.DispatchController, status: number, headers: Dispatcher.ResponseData['headers']): void;
  data(controller: Dispatcher.DispatchController, chunk: Buffer): void;
  ended(): void;
  failed(error: Error): void;
}

interface ExchangeOptions {
  readonly ended: () => void;
  /** Sends the request again; null if it must not be. */
  readonly repeat: (() => void) | null;
}

/** One request on a connection. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #handler: UpstreamHandler;
  readonly #options: ExchangeOptions;
  #wasSent = false;

  constructor(handler: UpstreamHandler, options: ExchangeOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#wasSent = true;
    this.#handler.started(controller);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Dispatcher.ResponseData['headers'],
  ): void {
    // Interim responses, such as 103.
    if (status >= 200) this.#handler.headers(controller, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.data(controller, chunk);
  }

  onResponseEnd(): void {
    this.#options.ended();
    this.#handler.ended();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const { ended, repeat } = this.#options;
    if (repeat !== null && !this.#wasSent && isConnectionFault(error)) {
      repeat();
      return;
    }
    ended();
    this.#handler.failed(error);
  }
}

const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE'],
  ...['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET'],
]);

function isConnectionFault(error: Error): boolean {
  return NOT_CONNECTED.has((error as NodeJS.ErrnoException).code);
}

/** Returns the refusal for a response that did not arrive, and its kind. The message names no address. */
export function refusalOfFault(error: unknown): { readonly refusal: Refusal; readonly outcome: UpstreamOutcome } {
  if (error instanceof Refusal) {
    return { refusal: error, outcome: error.details.code === 'GATEWAY_TIMEOUT' ? 'timeout' : 'invalid' };
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return { refusal: timedOut(), outcome: 'timeout' };
  const isUnreachable = NOT_CONNECTED.has(code) || code === 'EADDRNOTALLOWED' || /CERT|SSL|TLS/.test(code ?? '');
  return {
    refusal: badGateway(isUnreachable ? UNREACHABLE : INVALID, error),
    outcome: isUnreachable ? 'unreachable' : 'invalid',
  };
}

const UNREACHABLE = 'The API behind the gateway is unreachable, or closed the connection. Try again later.';
const INVALID = 'The API behind the gateway sent an invalid response. Its operator must correct this.';

export function badGateway(message: string, cause?: unknown): Refusal {
  return new Refusal(message, { code: 'BAD_GATEWAY' }, { cause });
}

/** Returns the refusal of a response with too many bytes. */
export function tooLarge(limit: number): Refusal {
  return new Refusal(
    `The response of the API behind the gateway is larger than ${limit} bytes. Request fewer entries or fields. If the operation was a mutation, it may have been made.`,
    { code: 'ANSWER_TOO_LARGE', limit, unit: 'bytes' },
  );
}

export function timedOut(): Refusal {
  return new Refusal('The API behind the gateway did not respond in time. Request less, or try again later.', {
    code: 'GATEWAY_TIMEOUT',
  });
}

export function busy(): Refusal {
  return unavailable('Too many operations are waiting for the API behind the gateway. Try again in 1 s.', 1);
}
