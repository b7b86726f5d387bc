import type { FastifyReply, FastifyRequest } from 'fastify';
import { createSourceEventStream, execute, type GraphQLError, type GraphQLSchema } from 'graphql';
import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { locateCredential } from '../../core/auth/locate.js';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { refusalOfResult } from '../../core/guard/answer/result.js';
import { Authorizer } from '../../core/guard/authorize.js';
import type { Introspection } from '../../core/guard/introspection.js';
import type { Assembly } from '../../assembly/assembly.js';
import { statusBeforeData } from '../../core/errors/http.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { EventMeter } from '../streams/eventMeter.js';
import type { OpenStreams, Place } from '../streams/openStreams.js';
import { Stream } from '../streams/stream.js';
import { Subscription } from '../streams/subscription.js';
import { MAX_ERRORS } from '../../core/guard/request/reply.js';
import { documentBounds } from '../../core/guard/document/documentBounds.js';
import { retainedBytes } from '../../core/guard/document/retainedBytes.js';
import { INTERNAL_ERROR, publicCode, publicForm, settle, untold } from '../../core/errors/publicErrors.js';
import { EventStream } from './eventStream.js';
import type { Admitted, RequestContext } from './requestContext.js';
import { streamCredential } from './streamCredential.js';
import type { Verdicts } from '../../management/verdicts.js';

/** Maximum number of bytes in the data of one event, because it may wait for slow readers. */
const MAX_EVENT_BYTES = 2 ** 20;

/** A request whose subscription was admitted. */
interface Opened {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: RequestContext;
  readonly admitted: Admitted;
  readonly place: Place;
}

interface StreamOpenerOptions {
  /** Guarded. */
  readonly schema: GraphQLSchema;
  readonly latchkey: Pick<Assembly, 'standing' | 'limiter'>;
  readonly introspection: Introspection;
  readonly streams: OpenStreams;
  readonly verdicts: Verdicts;
  /** The limits for requests. They apply to each event, too. */
  readonly answer: AnswerLimits;
  readonly log: (error: unknown, context: RequestContext) => void;
}

/** A subscription, and the check of its readers. */
interface Shared {
  readonly subscription: Subscription;
  /** @throws Refusal */
  readonly check: (principal: AuthenticatedPrincipal) => void;
}

/** The source stream did not open. */
interface Failed {
  readonly errors: readonly GraphQLError[];
}

/**
 * Opens the source streams of admitted subscriptions, and executes their events. Identical subscriptions of one
 * credential share a source stream and the execution.
 */
export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  readonly #authorizer: Authorizer;
  readonly #executionOptions = documentBounds().executionOptions;
  readonly #answerLimits: AnswerLimits;
  readonly #shared = new Map<string, Promise<Shared | Failed>>();
  /** Bytes that the open subscriptions keep in memory: documents and variables. */
  #kept = 0;

  /** @throws GuardError */
  constructor(options: StreamOpenerOptions) {
    this.#options = options;
    const { introspection, answer, verdicts: log, latchkey } = options;
    this.#authorizer = new Authorizer({ limits: latchkey.limiter, introspection, answer, log });
    this.#authorizer.prepare(options.schema);
    const { fields, bytes } = answer;
    this.#answerLimits = { fields, bytes: Math.min(bytes, MAX_EVENT_BYTES) };
  }

  /**
   * Opens a stream.
   *
   * @returns the body for Fastify to send if the source stream does not open; undefined if the stream has started
   * @throws Refusal UNAVAILABLE
   */
  async open(opened: Opened): Promise<string | undefined> {
    const { request, reply, context, place } = opened;
    const source = streamCredential(request);
    const credential = locateCredential(source);
    const { principal } = context;
    if (credential === null || principal.kind === 'anonymous') throw unauthenticated('missing');
    // Frees the rest of the body, which would otherwise stay in memory while the stream is open.
    request.body = undefined;
    let shared = await this.#find(credential, opened);
    // Its last reader may have left within this turn.
    while ('check' in shared && shared.subscription.hasEnded) shared = await this.#find(credential, opened);
    if ('errors' in shared) return this.#refused(shared.errors, reply, context);
    const { subscription, check } = shared;
    if (reply.raw.destroyed) {
      subscription.endIfUnused();
      return undefined;
    }
    context.outcome.begunAfter = reply.elapsedTime;
    const { credentials, bytes } = this.#options.streams;
    const watched = credentials.watch(`${credential} ${source.ip ?? ''}`, principal, () =>
      this.#options.latchkey.standing(source),
    );
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    const stream = new Stream({
      sink: new EventStream(reply.hijack().raw, { headers, workspaceId: principal.workspaceId, waiting: bytes }),
      credential: watched.credential,
      check,
      tell: (error) => ({ errors: [this.#told(error, context)] }),
    });
    subscription.join(stream);
    stream.onEnd(watched.release);
    place.keep(stream);
    reply.raw.once('close', () => stream.end());
    void watched.credential.settle();
    return undefined;
  }

  /** Returns the open subscription that is identical to this one, or a new one. */
  async #find(credential: string, { context, admitted }: Opened): Promise<Shared | Failed> {
    const name = nameOf(credential, admitted);
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const opening = this.#begin(context, admitted, () => this.#shared.delete(name));
    this.#shared.set(name, opening);
    try {
      const shared = await opening;
      if ('errors' in shared) this.#shared.delete(name);
      return shared;
    } catch (error) {
      this.#shared.delete(name);
      throw error;
    }
  }

  async #begin(context: RequestContext, admitted: Admitted, forget: () => void): Promise<Shared | Failed> {
    const free = this.#keep(admitted);
    const end = (): void => {
      free();
      forget();
    };
    try {
      const { document, operation, variables } = admitted;
      const source = await createSourceEventStream({
        schema: this.#options.schema,
        document,
        contextValue: context,
        variableValues: variables,
        operationName: operation.name?.value,
      });
      if ('errors' in source) {
        free();
        return { errors: source.errors ?? [] };
      }
      return this.#share((source as AsyncIterable<unknown>)[Symbol.asyncIterator](), context, admitted, end);
    } catch (error) {
      free();
      throw error;
    }
  }

  #share(
    source: AsyncIterator<unknown>,
    { requestId, outcome }: RequestContext,
    admitted: Admitted,
    onEnd: () => void,
  ): Shared {
    const { schema, streams, latchkey, verdicts } = this.#options;
    const { source: text, document, operation, variables } = admitted;
    const { fields, cost, category } = this.#authorizer.prepare(schema).compile(document, operation, variables);
    const subscription = new Subscription({
      source,
      turns: streams.turns,
      bytes: streams.bytes,
      bytesOf: streams.bytesOf,
      meter: new EventMeter({
        limits: latchkey.limiter,
        cost,
        category,
        admitted: (principal) => verdicts.admitted(principal, cost, fields),
        refused: (principal, refusal) => verdicts.refused(principal, refusal),
      }),
      // A new context for each event: data that resolvers attach to it must not outlive the event.
      answer: (event, principal) => this.#answer(event, { principal, requestId, outcome, opening: null }, admitted),
      onEnd,
    });
    let passed: Principal | null = null;
    const check = (principal: AuthenticatedPrincipal): void => {
      if (principal === passed) return;
      const refusal = this.#authorizer.review({ schema, source: text, document, operation, variables, principal });
      if (refusal !== null) throw refusal;
      passed = principal;
    };
    return { subscription, check };
  }

  /**
   * Counts the memory of a subscription.
   *
   * @returns a function to call when the memory is free again
   * @throws Refusal UNAVAILABLE
   */
  #keep({ document, variables }: Admitted): () => void {
    const bytes = retainedBytes(document) + 2 * JSON.stringify(variables).length;
    if (this.#kept + bytes > this.#options.streams.bytes.max) throw full();
    this.#kept += bytes;
    let isKept = true;
    return () => {
      if (isKept) this.#kept -= bytes;
      isKept = false;
    };
  }

  async #answer(
    event: unknown,
    context: RequestContext,
    { document, operation, variables }: Admitted,
  ): Promise<object> {
    const result = await execute({
      schema: this.#options.schema,
      document,
      rootValue: event,
      contextValue: context,
      variableValues: variables,
      operationName: operation.name?.value,
      options: this.#executionOptions,
    });
    // Replaces only this event: the response for another event may be small enough.
    const refusal = refusalOfResult(result, this.#answerLimits, operation);
    if (refusal !== null) return { errors: [this.#told(refusal, context)] };
    if (result.errors === undefined) return result;
    return { ...result, errors: result.errors.slice(0, MAX_ERRORS).map((error) => this.#told(error, context)) };
  }

  #refused(errors: readonly GraphQLError[], reply: FastifyReply, context: RequestContext): string {
    const told = errors.map((error) => this.#told(error, context));
    const [refusal] = errors.map(({ originalError }) => originalError).filter((cause) => cause instanceof Refusal);
    const code = errors.map(publicCode).find((found) => found !== null);
    context.outcome.word = String(code ?? 'error');
    const status = refusal === undefined ? (code === undefined ? 500 : 400) : statusBeforeData(refusal);
    reply.code(status).type('application/json; charset=utf-8');
    return JSON.stringify({ errors: told });
  }

  #told(error: unknown, context: RequestContext) {
    if (!isGraphQLError(error)) {
      this.#options.log(error, context);
      return INTERNAL_ERROR;
    }
    settle(error);
    const kept = untold(error);
    if (kept !== undefined) this.#options.log(kept, context);
    const { http: _, ...extensions } = error.extensions;
    return publicForm({ ...error.toJSON(), extensions }, error);
  }
}

/**
 * Returns a key that is equal for identical subscriptions of one credential. A hash, because documents and variables
 * are long.
 */
function nameOf(credential: string, { source, operation, variables }: Admitted): string {
  const parts = [credential, source, operation.name?.value ?? null, variables];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

function full(): Refusal {
  return unavailable(
    'Open subscriptions use all the memory that is allowed for them. Try again in 5 s. Operators: to allow more, raise MAX_STREAM_BYTES.',
    5,
  );
}

function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof Error && 'toJSON' in error && 'extensions' in error;
}
