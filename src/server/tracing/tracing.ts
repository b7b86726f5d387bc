import { AsyncLocalStorage } from 'node:async_hooks';
import type * as Api from '@opentelemetry/api';
import { Refusal } from '../../core/errors/refusal.js';
import { parseTraceparent } from './traceparent.js';

/** The span of a request, and the context for its child spans. */
export interface RequestSpan {
  readonly span: Api.Span;
  readonly context: Api.Context;
}

/** The attributes of a span. They contain no token, no text of an operation and no address. */
export type Facts = Api.Attributes;

interface TracingParts {
  readonly api: typeof Api;
  readonly tracer: Api.Tracer;
  /** Sends the remaining spans. */
  readonly flush: () => Promise<void>;
}

/** The spans of requests and of their parts. */
export class Tracing {
  readonly #parts: TracingParts;
  readonly #current = new AsyncLocalStorage<RequestSpan>();

  constructor(parts: TracingParts) {
    this.#parts = parts;
  }

  /** Starts the span of a request: a child of the caller's span if `traceparent` names one, otherwise a new trace. */
  begin(name: string, traceparent: unknown, facts: Facts): RequestSpan {
    const { api, tracer } = this.#parts;
    const remote = parseTraceparent(traceparent);
    const parent =
      remote === null ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });
    const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes: facts }, parent);
    return { span, context: api.trace.setSpan(parent, span) };
  }

  /**
   * Ends the span.
   *
   * @param failed whether the server caused an error
   */
  end({ span }: RequestSpan, name: string, facts: Facts, failed: boolean): void {
    span.updateName(name);
    span.setAttributes(facts);
    if (failed) span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR });
    span.end();
  }

  /** Runs `work` with the span of the request as the parent for {@link child} and {@link beginChild}. */
  within<T>(span: RequestSpan, work: () => T): T {
    return this.#current.run(span, work);
  }

  /** Creates a span that lasts as long as `work`, which may return a promise. */
  child<T>(name: string, work: () => T | Promise<T>): T | Promise<T> {
    const end = this.beginChild(name);
    const failed = (error: unknown): never => {
      end(error);
      throw error;
    };
    let result;
    try {
      result = work();
    } catch (error) {
      return failed(error);
    }
    if (!(result instanceof Promise)) {
      end();
      return result;
    }
    return result.then((value) => {
      end();
      return value;
    }, failed);
  }

  /**
   * Starts a child span of the current request.
   *
   * @returns a function that ends it, to be called once, with an error if there was one
   */
  beginChild(name: string): (error?: unknown) => void {
    const parent = this.#current.getStore();
    if (parent === undefined) return () => undefined;
    const { api, tracer } = this.#parts;
    const span = tracer.startSpan(name, { kind: api.SpanKind.INTERNAL }, parent.context);
    return (error) => {
      if (error !== undefined) this.#tell(span, error);
      span.end();
    };
  }

  /**
   * Returns the kind of an error, never its message or stack: a driver's message may contain an address, and a caller's
   * text may contain a key.
   */
  #tell(span: Api.Span, error: unknown): void {
    const code = error instanceof Refusal ? error.details.code : null;
    span.setAttribute('error.type', code ?? (error instanceof Error ? error.name : 'Error'));
    if (code === null || code === 'UNAVAILABLE') span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR });
  }

  /** Sends the remaining spans. Does not throw, and takes at most two seconds. */
  close(): Promise<void> {
    return this.#parts.flush();
  }
}
