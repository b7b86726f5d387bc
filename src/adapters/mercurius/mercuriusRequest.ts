import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { MercuriusContext } from 'mercurius';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import type { GuardedRequest } from '../../core/guard/request/guardedRequest.js';
import { formattedError, PlainReply } from '../../core/guard/request/plainReply.js';
import { whenDone } from '../../core/util/whenDone.js';

/** A response, as it is sent. */
export type Result = NonNullable<PlainReply['result']>;

/** One request, from its arrival to its response. */
export class MercuriusRequest {
  readonly guarded: GuardedRequest;
  readonly schema: GraphQLSchema;
  context: LatchkeyContext = { principal: ANONYMOUS };
  /** Whether the user's context function must not be called (again). */
  hasFailed = false;
  text = '';
  operationName: string | undefined;
  variables: Record<string, unknown> = {};
  document: DocumentNode | undefined;
  /** The schema at the time when the document was read. */
  readFor: GraphQLSchema | undefined;
  operation: OperationDefinitionNode | null | undefined;
  /** The errors before they were formatted. */
  thrown: readonly GraphQLError[] | undefined;
  isFinished = false;

  constructor(guarded: GuardedRequest, schema: GraphQLSchema) {
    this.guarded = guarded;
    this.schema = schema;
  }

  get written(): readonly string[] {
    return [this.text, this.operationName ?? ''];
  }

  /** Completes a response. @returns it with its status and header fields */
  finish(given: Result): PlainReply | Promise<PlainReply> {
    this.isFinished = true;
    const result = this.#allowed(given);
    const reply = new PlainReply(this, result, result.errors === undefined ? undefined : this.thrown);
    return whenDone(this.guarded.finish(reply), () => reply);
  }

  /** Replaces data of an operation that was not authorized. */
  #allowed(result: Result): Result {
    if (result.data == null || this.guarded.isAllowed) return result;
    const fault = new Error(
      'A response has data, although Latchkey did not authorize its operation. Remove the hook that sends it.',
    );
    this.thrown = [new GraphQLError(fault.message, { originalError: fault })];
    this.guarded.tell(this.thrown, this.context);
    return { errors: this.thrown.map(formattedError) };
  }
}

/** The context of a request to Mercurius. On other routes, there may be no reply. */
export type ReplyContext = MercuriusContext & { readonly reply?: FastifyReply };

/** Latchkey's requests, by Fastify's request. */
export class MercuriusRequests {
  /** The property of Fastify's request that has ours. A WeakMap with an entry for each request costs more to collect. */
  readonly #ours = Symbol('latchkey');

  /** Call it before requests arrive, so that all have the same shape. */
  prepare(app: FastifyInstance): void {
    app.decorateRequest(this.#ours, null as never);
  }

  set(request: FastifyRequest, ours: MercuriusRequest): void {
    (request as unknown as Record<symbol, MercuriusRequest>)[this.#ours] = ours;
  }

  /** Returns null for a request that did not arrive at the guarded route. */
  of(request: FastifyRequest): MercuriusRequest | null {
    return (request as unknown as Record<symbol, MercuriusRequest | undefined>)[this.#ours] ?? null;
  }

  /** Returns the request of a GraphQL context; null if it is a context of another route. */
  ofContext({ reply }: { readonly reply?: FastifyReply }): MercuriusRequest | null {
    return reply === undefined ? null : this.of(reply.request);
  }
}
