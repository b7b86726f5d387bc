import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Refusal } from '../../core/errors/refusal.js';
import {
  badGateway,
  refusalOfFault,
  timedOut,
  tooLarge,
  type Sent,
  type Upstream,
  type UpstreamHandler,
  type UpstreamOutcome,
} from './upstream.js';

/** A complete response of the upstream. */
interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Bounds {
  /** In bytes. */
  readonly maxBytes: number;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** Called once. */
  readonly onEnd?: (outcome: UpstreamOutcome) => void;
}

/** Sends a request and reads the whole response. Rejects with a Refusal if there is none. */
export function askUpstream(upstream: Upstream, request: Sent, bounds: Bounds): Promise<WholeAnswer> {
  return new Promise((resolve, reject: (refusal: Refusal) => void) => {
    const reader = new Reader(bounds, upstream.timeout, { resolve, reject });
    try {
      upstream.send(request, reader);
    } catch (error) {
      reader.failed(error as Error);
    }
  });
}

interface Settle {
  readonly resolve: (answer: WholeAnswer) => void;
  readonly reject: (refusal: Refusal) => void;
}

class Reader implements UpstreamHandler {
  readonly #bounds: Bounds;
  readonly #settle: Settle;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: Pick<WholeAnswer, 'status' | 'headers'> = { status: 502, headers: {} };
  #controller: Dispatcher.DispatchController | null = null;
  #aborted: Error | null = null;
  #hasEnded = false;

  readonly #onAbort = (): void => this.#abort(new Error('The caller has closed the connection.'));

  constructor(bounds: Bounds, timeout: number, settle: Settle) {
    this.#bounds = bounds;
    bounds.signal?.addEventListener('abort', this.#onAbort);
    this.#settle = settle;
    this.#timer = setTimeout(() => this.#abort(timedOut()), timeout);
  }

  started(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== null) controller.abort(this.#aborted);
  }

  headers(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#head = { status, headers };
    if (status >= 300 && status < 400) this.#abort(badGateway('The API behind the gateway answered with a redirect.'));
    if (headers['content-encoding'] !== undefined) {
      this.#abort(badGateway('The API behind the gateway sent a compressed response, which was not requested.'));
    }
  }

  data(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bounds.maxBytes) this.#abort(tooLarge(this.#bounds.maxBytes));
    else this.#chunks.push(chunk);
  }

  ended(): void {
    this.#end('answered');
    const { status, headers } = this.#head;
    this.#settle.resolve({ status, headers, body: Buffer.concat(this.#chunks).toString() });
  }

  failed(error: Error): void {
    const { refusal, outcome } = refusalOfFault(this.#aborted ?? error);
    this.#end(this.#bounds.signal?.aborted === true ? 'cancelled' : outcome);
    this.#settle.reject(refusal);
  }

  #end(outcome: UpstreamOutcome): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#bounds.signal?.removeEventListener('abort', this.#onAbort);
    this.#bounds.onEnd?.(outcome);
  }

  #abort(reason: Error): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
    this.failed(reason);
  }
}
