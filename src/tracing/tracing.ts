import { AsyncLocalStorage } from 'node:async_hooks';
import type * as Api from '@opentelemetry/api';
import { Refusal } from '../refusals/refusal.js';
import { parseTraceparent } from './traceparent.js';

/** A request's span, and the context in which its children begin. */
export interface RequestSpan {
  readonly span: Api.Span;
  readonly context: Api.Context;
}

/** What a span may be told. No token, no text of an operation, no address. */
export type Facts = Api.Attributes;

export interface TracingParts {
  readonly api: typeof Api;
  readonly tracer: Api.Tracer;
  /** Sends what is not yet sent. */
  readonly flush: () => Promise<void>;
}

/** Spans of requests and of what happens within them. */
export class Tracing {
  readonly #parts: TracingParts;
  readonly #current = new AsyncLocalStorage<RequestSpan>();

  constructor(parts: TracingParts) {
    this.#parts = parts;
  }

  /** Begins a request's span: a child of the caller's where `traceparent` names one, else a trace of its own. */
  begin(name: string, traceparent: unknown, facts: Facts): RequestSpan {
    const { api, tracer } = this.#parts;
    const remote = parseTraceparent(traceparent);
    const parent =
      remote === null ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });
    const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes: facts }, parent);
    return { span, context: api.trace.setSpan(parent, span) };
  }

  /** @param failed the fault was the server's */
  end({ span }: RequestSpan, name: string, facts: Facts, failed: boolean): void {
    span.updateName(name);
    span.setAttributes(facts);
    if (failed) span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR });
    span.end();
  }

  /** Runs `work` with the request's span as the one that {@link child} and {@link beginChild} hang theirs under. */
  within<T>(span: RequestSpan, work: () => T): T {
    return this.#current.run(span, work);
  }

  /** A span for as long as `work` takes, promise or not. */
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

  /** Begins a span under the current request's. @returns its end, to be called once, with an error where there was one */
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

  /** The kind of an error and never its message or stack: a driver's may hold an address, and a caller's text may hold a key. */
  #tell(span: Api.Span, error: unknown): void {
    const code = error instanceof Refusal ? error.details.code : null;
    span.setAttribute('error.type', code ?? (error instanceof Error ? error.name : 'Error'));
    if (code === null || code === 'UNAVAILABLE') span.setStatus({ code: this.#parts.api.SpanStatusCode.ERROR });
  }

  /** Sends what is not yet sent. Neither throws nor takes longer than two seconds. */
  close(): Promise<void> {
    return this.#parts.flush();
  }
}
