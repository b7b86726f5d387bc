import type { FastifyReply } from 'fastify';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Refusal } from '../../core/errors/refusal.js';
import { BodyFault } from '../http/bodyEncoding.js';
import type { CostTap } from './forwardedCost.js';
import type { PassedFields } from './forwardedFields.js';
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
import { endEncoded } from '../http/endAtOnce.js';

interface ForwardedAnswerOptions {
  readonly reply: FastifyReply;
  /** The gateway's own fields. */
  readonly headers: ReadonlyMap<string, string>;
  readonly fields: PassedFields;
  /** The maximum size of a response that isn't a stream, in bytes. */
  readonly maxBytes: number;
  /** In ms. */
  readonly timeout: number;
  /** Whether the rest of the request has to arrive first. Then the upstream is not the slow one. */
  readonly waitsForCaller: () => boolean;
  /**
   * Called before the first bytes of a stream are sent.
   *
   * @returns a function to call at its end, or rejects with a Refusal; null if the stream has the time limit of other responses
   */
  readonly stream: (end: (error: Error) => void) => Promise<(() => void) | null>;
  readonly closes: () => boolean;
  /** Returns the reader of a response that isn't a stream; null if nothing reads it. */
  readonly tap: ((headers: IncomingHttpHeaders) => CostTap) | null;
  /** Called if there is no response to pass on, so that another one can be sent. Not called if the caller has left. */
  readonly onFault: (error: Error) => void;
  /** Called once, before `onFault`. */
  readonly onEnd: (outcome: UpstreamOutcome) => void;
}

/** The maximum size of a body that is sent together with the header, in bytes. */
const MAX_WHOLE = 16 * 2 ** 10;

const STREAMS = /^\s*(?:text\/event-stream|multipart\/mixed)\b/i;

/**
 * Passes a response of the upstream to the caller as it arrives. A slow caller pauses the upstream, so that nothing is
 * buffered here. If the caller closes the connection, the request to the upstream is cancelled.
 */
export class ForwardedAnswer implements UpstreamHandler {
  readonly #options: ForwardedAnswerOptions;
  readonly #raw: ServerResponse;
  /** null if the response may take as long as a stream. */
  #timer: NodeJS.Timeout | null;
  #controller: Dispatcher.DispatchController | null = null;
  #aborted: Error | null = null;
  #isStream = false;
  #isFinished = false;
  /** Whether another event can be added to an event stream. */
  #betweenEvents = false;
  #isEvents = false;
  #lastByte = 0;
  #bytes = 0;
  /** The length of the body in the header of the response; null if unknown. */
  #length: number | null = null;
  /** A whole small body, which is sent together with the header. */
  #whole: Buffer | null = null;
  #ending: (() => void) | null = null;
  #tap: CostTap | null = null;
  /** Whether the header of a response was sent. */
  #hasBegun = false;
  readonly #onClose = (): void => {
    if (!this.#raw.writableFinished) this.#abort(new CallerLeft());
  };
  readonly #onDrain = (): void => this.#controller?.resume();

  constructor(options: ForwardedAnswerOptions) {
    this.#options = options;
    this.#raw = options.reply.raw;
    this.#timer = setTimeout(() => this.#timedOut(), options.timeout);
    this.#raw.on('close', this.#onClose);
  }

  sendTo(upstream: Upstream, request: Sent): void {
    try {
      upstream.send(request, this);
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** Starts the time for the response again, because the request has not arrived completely. */
  extend(): void {
    if (!this.#isFinished) this.#timer?.refresh();
  }

  started(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== null) controller.abort(this.#aborted);
  }

  headers(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 300 && status < 400) {
      this.#abort(
        badGateway('The API behind the gateway answered with a redirect, which the gateway does not follow.'),
      );
      return;
    }
    const type = String(headers['content-type']);
    this.#isStream = STREAMS.test(type);
    this.#betweenEvents = this.#isEvents = /event-stream/i.test(type) && isPlain(headers['content-encoding']);
    if (!this.#isStream) {
      this.#length = headers['content-length'] === undefined ? null : Number(headers['content-length']);
      if ((this.#length ?? 0) > this.#options.maxBytes) this.#abort(tooLarge(this.#options.maxBytes));
      else this.#begin(status, headers);
      this.#tap = this.#options.tap?.(headers) ?? null;
      return;
    }
    controller.pause();
    this.#options
      .stream((error) => this.#abort(error))
      .then(
        (end) => {
          if (this.#aborted !== null) {
            end?.();
            return;
          }
          this.#ending = end;
          if (end !== null) this.#stopTimer();
          this.#begin(status, headers);
          // The first event may be a long time away, and the caller waits for the header.
          this.#raw.flushHeaders();
          controller.resume();
        },
        (error: unknown) => this.#abort(error as Error),
      );
  }

  #begin(status: number, headers: IncomingHttpHeaders): void {
    const { reply, fields, closes } = this.#options;
    const own = reply.getHeaders() as OutgoingHttpHeaders;
    for (const [name, value] of this.#options.headers) own[name] = value;
    own['cache-control'] ??= reply.request.principal.kind === 'anonymous' ? 'no-store' : 'private, no-store';
    if (closes()) own.connection = 'close';
    // First, because another response can be sent as long as the reply is not hijacked.
    this.#raw.writeHead(status, fields.toCaller(headers, own));
    this.#hasBegun = true;
    reply.hijack();
    this.#raw.on('drain', this.#onDrain);
  }

  data(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (!this.#isStream && this.#bytes > this.#options.maxBytes) {
      this.#abort(tooLarge(this.#options.maxBytes));
      return;
    }
    this.#tap?.data(chunk);
    if (chunk.length === this.#length && chunk.length <= MAX_WHOLE) {
      this.#whole = chunk;
      return;
    }
    if (this.#isEvents && chunk.length > 0) {
      this.#betweenEvents = chunk.at(-1) === LF && (chunk.at(-2) ?? this.#lastByte) === LF;
      this.#lastByte = chunk.at(-1) ?? 0;
    }
    if (!this.#raw.write(chunk)) controller.pause();
  }

  ended(): void {
    // As text, because Node writes it in the same call as the header, which is faster. Latin-1 keeps every byte.
    if (this.#whole === null) this.#raw.end();
    else endEncoded(this.#raw, this.#whole.toString('latin1'), 'latin1');
    this.#finish('answered');
  }

  failed(error: Error): void {
    if (this.#isFinished) return;
    const cause = this.#aborted ?? error;
    if (cause instanceof CallerLeft) {
      this.#finish('cancelled');
      return;
    }
    if (cause instanceof BodyFault && !this.#hasBegun) {
      this.#finish('cancelled');
      this.#options.onFault(cause);
      return;
    }
    const { refusal, outcome } = refusalOfFault(cause);
    this.#finish(outcome);
    if (!this.#hasBegun) this.#options.onFault(refusal);
    else if (this.#betweenEvents) this.#raw.end(lastEvent(refusal));
    // Only a cut connection can tell the caller that the response is not complete.
    else this.#raw.destroy();
  }

  #abort(reason: Error): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
    // Not called for a request without a connection, which is dropped when it could be sent.
    this.failed(reason);
  }

  #timedOut(): void {
    if (this.#options.waitsForCaller()) this.extend();
    else this.#abort(timedOut());
  }

  #stopTimer(): void {
    // A timer that was cleared starts again if it is refreshed.
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #finish(outcome: UpstreamOutcome): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#stopTimer();
    this.#raw.off('close', this.#onClose);
    this.#raw.off('drain', this.#onDrain);
    this.#ending?.();
    this.#ending = null;
    this.#tap?.end(outcome === 'answered');
    this.#options.onEnd(outcome);
  }
}

/** GraphQL Yoga sends `none`, which is not a registered encoding, so that proxies don't compress. */
function isPlain(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === 'none' || encoding === 'identity';
}

const LF = 0x0a;

/** Returns the end of an event stream that is cut off, in the form of the distinct connections mode of graphql-sse. */
function lastEvent({ message, details }: Refusal): string {
  const result = JSON.stringify({ errors: [{ message, extensions: details }] });
  return `event: next\ndata: ${result}\n\nevent: complete\ndata:\n\n`;
}

/** Why a request to the upstream is cancelled. The response is not read. */
class CallerLeft extends Error {}
