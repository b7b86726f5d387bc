import type { FastifyReply, FastifyRequest } from 'fastify';
import { createSourceEventStream, execute, type GraphQLError, type GraphQLSchema } from 'graphql';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Principal } from '../credentials/principal.js';
import { decide } from '../guard/decide.js';
import { assertGuarded } from '../guard/guard.js';
import { OperationCompiler } from '../guard/operation.js';
import { refuseUntrusted } from '../guard/trustedDocuments.js';
import type { Latchkey } from '../latchkey.js';
import { statusBeforeData } from '../refusals/http.js';
import { Refusal } from '../refusals/refusal.js';
import type { Place } from '../streams/openStreams.js';
import { Stream } from '../streams/stream.js';
import { documentBounds } from './bounds.js';
import { formatError, INTERNAL_ERROR, publicCode, settle, untold } from './errors.js';
import { EventStream } from './eventStream.js';
import type { Admitted, RequestContext } from './requestContext.js';
import { streamCredential } from './streamCredential.js';

/** A request whose subscription was let in. */
export interface Opened {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: RequestContext;
  readonly admitted: Admitted;
  readonly place: Place;
}

type Log = (error: unknown, context: RequestContext) => void;

/** Opens the source streams of subscriptions that were let in, and answers their events. */
export class StreamOpener {
  readonly #schema: GraphQLSchema;
  readonly #latchkey: Pick<Latchkey, 'reauthenticate'>;
  readonly #log: Log;
  readonly #compiler: OperationCompiler;
  readonly #executionOptions = documentBounds().executionOptions;

  /** @param schema guarded @throws GuardError */
  constructor(schema: GraphQLSchema, latchkey: Pick<Latchkey, 'reauthenticate'>, log: Log) {
    this.#schema = schema;
    this.#latchkey = latchkey;
    this.#log = log;
    this.#compiler = new OperationCompiler(schema, assertGuarded(schema));
  }

  /** @returns what Fastify is to send where the source does not open; undefined where the stream has begun */
  async open({ request, reply, context, admitted, place }: Opened): Promise<string | undefined> {
    const { document, operation, variables } = admitted;
    const source = await createSourceEventStream({
      schema: this.#schema,
      document,
      contextValue: context,
      variableValues: variables,
      operationName: operation.name?.value,
    });
    if ('errors' in source) return this.#refused(source.errors ?? [], reply, context);
    const events = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (reply.raw.destroyed) {
      await events.return?.();
      return undefined;
    }
    context.outcome.begunAfter = reply.elapsedTime;
    const sink = new EventStream(reply.hijack().raw, reply.getHeaders() as OutgoingHttpHeaders);
    const stream = new Stream({
      source: events,
      sink,
      principal: context.principal,
      judge: this.#judgeOf(request, admitted),
      answer: (event, principal) => this.#answer(event, { ...context, principal }, admitted),
      tell: (error) => ({ errors: [this.#told(error, context)] }),
    });
    place.keep(stream);
    reply.raw.once('close', () => stream.end());
    void stream.run();
    return undefined;
  }

  /** Judges the credential and the operation again: the operation where the credential shows somebody else than before. */
  #judgeOf(request: FastifyRequest, { source, document, operation, variables }: Admitted) {
    const credential = streamCredential(request);
    const { rules } = this.#compiler.compile(document, operation, variables);
    let passed: Principal | null = null;
    const judged = (principal: Principal): Principal => {
      if (principal === passed) return principal;
      const refusal = refuseUntrusted(principal, source, document) ?? decide(rules, principal);
      if (refusal !== null) throw refusal;
      return (passed = principal);
    };
    return (): Principal | Promise<Principal> => {
      const principal = this.#latchkey.reauthenticate(credential);
      return principal instanceof Promise ? principal.then(judged) : judged(principal);
    };
  }

  /** @param context of this event alone: what resolvers remember by it must not outlive the event */
  async #answer(
    event: unknown,
    context: RequestContext,
    { document, operation, variables }: Admitted,
  ): Promise<object> {
    const result = await execute({
      schema: this.#schema,
      document,
      rootValue: event,
      contextValue: context,
      variableValues: variables,
      operationName: operation.name?.value,
      options: this.#executionOptions,
    });
    if (result.errors === undefined) return result;
    return { ...result, errors: result.errors.map((error) => this.#told(error, context)) };
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
      this.#log(error, context);
      return INTERNAL_ERROR;
    }
    settle(error);
    const kept = untold(error);
    if (kept !== undefined) this.#log(kept, context);
    const { http: _, ...extensions } = error.extensions;
    return formatError({ ...error.toJSON(), extensions }, error);
  }
}

function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof Error && 'toJSON' in error && 'extensions' in error;
}
