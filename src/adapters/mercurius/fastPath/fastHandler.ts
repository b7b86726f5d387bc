import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { execute, GraphQLError, type DocumentNode, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { MercuriusContext } from 'mercurius';
import { whenDone } from '../../../core/util/whenDone.js';
import { KnownOperations, type KnownOperation } from '../../../core/guard/known/knownOperations.js';
import { executePlan } from '../../../core/guard/known/plan/executePlan.js';
import type { AdapterParts } from '../adapterParts.js';
import type { Authorization } from '../authorization.js';
import type { MaybePromise } from '../fastifyHooks.js';
import type { GuardedMercuriusOptions } from '../mercuriusOptions.js';
import type { MercuriusRequest, MercuriusRequests, ReplyContext, Result } from '../mercuriusRequest.js';
import type { RequestContexts } from '../requestContexts.js';
import type { Responses } from '../responses.js';

/** The steps that a known document needs, too. */
interface Steps {
  readonly contexts: RequestContexts;
  readonly authorization: Authorization;
  readonly responses: Responses;
}

/** The source of Mercurius's root fields. */
const ROOT = {};

/**
 * Executes operations of documents that Mercurius has validated before without the rest of its pipeline, which takes as long as
 * the guard: it awaits up to nine promises for each request. The hooks of Fastify run as before, and so do the context function, the
 * checks and the formatting of errors. Everything unusual goes through Mercurius.
 */
export class FastHandler {
  readonly #requests: MercuriusRequests;
  readonly #steps: Steps;
  readonly #app: FastifyInstance;
  /** The operations of documents that Mercurius has found valid for a schema. */
  #valid: { readonly schema: GraphQLSchema; readonly known: KnownOperations } | null = null;
  #isOff: boolean;

  constructor(app: FastifyInstance, { options, requests }: Pick<AdapterParts, 'options' | 'requests'>, steps: Steps) {
    this.#app = app;
    this.#requests = requests;
    this.#steps = steps;
    this.#isOff = needsMercurius(options);
  }

  /** Turns the fast path off: another hook of Mercurius must see each request. */
  turnOff(): void {
    this.#isOff = true;
  }

  /** Records that Mercurius has found a document valid. Call it before the request is authorized. */
  remember(schema: GraphQLSchema, document: DocumentNode, context: ReplyContext): void {
    const asked = this.#requests.ofContext(context);
    if (this.#isOff || asked?.document === undefined || schema !== this.#app.graphql.schema) return;
    // The document that was read for this request, whose text was not changed by another hook.
    if (asked.text !== document.loc?.source.body || asked.readFor !== schema) return;
    this.#knownFor(schema).remember(asked.text, asked.document);
  }

  #knownFor(schema: GraphQLSchema): KnownOperations {
    if (this.#valid?.schema !== schema) this.#valid = { schema, known: new KnownOperations(schema) };
    return this.#valid.known;
  }

  /** Puts the fast path in front of the handler of Mercurius's route. */
  attach(route: RouteOptions): void {
    if (this.#isOff) return;
    const { handler } = route;
    const respond = this.#respond.bind(this);
    route.handler = function answer(request, reply) {
      return respond(request, reply) ?? handler.call(this, request, reply);
    };
  }

  /** Returns the response; null if Mercurius has to process the request. */
  #respond(request: FastifyRequest, reply: FastifyReply): MaybePromise<Result> | null {
    const { schema } = this.#app.graphql;
    if (this.#isOff || request.validationError !== undefined) return null;
    const asked = this.#requests.of(request);
    if (asked === null) return null;
    const operations = this.#knownFor(schema);
    const known = operations.find(request.body);
    if (known === null) return null;
    return whenDone(this.#steps.contexts.create(request, reply), (own) => {
      // An error is formatted without another context.
      asked.hasFailed = true;
      const context = this.#complete(own, reply, known.source);
      return whenDone(this.#execute(asked, known, { schema, operations, context }), (result) => {
        const execution = withErrors(result, context);
        if (execution.errors === undefined) return execution as Result;
        // In the order of Mercurius, which replaces both in the result of the execution.
        return { ...execution, ...this.#steps.responses.format(execution, context).response } as Result;
      });
    });
  }

  /** Adds what Mercurius adds to a context. */
  #complete(own: Record<string, unknown>, reply: FastifyReply, source: string): MercuriusContext {
    const app = this.#app;
    own.reply = reply;
    own.app = app;
    own.pubsub = app.graphql.pubsub;
    own.__currentQuery = source;
    own.errors = null;
    return own as unknown as MercuriusContext;
  }

  #execute(asked: MercuriusRequest, known: KnownOperation, { schema, operations, context }: Execution) {
    const { source, document, operation, operationName, variables } = known;
    asked.text = source;
    asked.document = document;
    asked.operation = operation;
    const request = { schema, document, operation, variables: variables ?? {}, source };
    return whenDone(this.#steps.authorization.decide(asked, request), (part): MaybePromise<ExecutionResult> => {
      const given = { rootValue: ROOT, contextValue: context, variableValues: variables };
      const plan = part === undefined ? operations.planOf(known) : null;
      if (plan !== null) return executePlan(plan, given);
      return execute({ schema, document: part?.document ?? document, operationName, ...given });
    });
  }
}

/** How a known operation is executed. */
interface Execution {
  readonly schema: GraphQLSchema;
  readonly operations: KnownOperations;
  readonly context: MercuriusContext;
}

/** Adds the errors that resolvers have put into the context. */
function withErrors(execution: ExecutionResult, context: MercuriusContext): ExecutionResult {
  const { errors } = context as MercuriusContext & { readonly errors?: readonly Error[] | null };
  if (errors == null) return execution;
  return { ...execution, errors: [...(execution.errors ?? []), ...errors].map(asGraphQLError) };
}

function asGraphQLError(error: Error): GraphQLError {
  return error instanceof GraphQLError ? error : new GraphQLError(error.message, { originalError: error });
}

/** Whether Mercurius has to do more than to execute a known document. */
function needsMercurius({ jit = 0, cache = true, ...options }: GuardedMercuriusOptions): boolean {
  const { persistedQueries, onlyPersisted = false, persistedQueryProvider } = options;
  const isPersisted = persistedQueries !== undefined || onlyPersisted || persistedQueryProvider !== undefined;
  return jit !== 0 || cache === false || cache === 0 || isPersisted;
}
