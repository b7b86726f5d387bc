import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  preParsingHookHandler,
  RouteOptions,
} from 'fastify';
import {
  getOperationAST,
  GraphQLError,
  Location,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import mercurius, { type MercuriusContext, type MercuriusOptions } from 'mercurius';
import { directContext } from '../../core/auth/context.js';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import { DocumentCache, MAX_CACHED_DOCUMENT_BYTES } from '../../core/guard/document/documentCache.js';
import { retainedBytes } from '../../core/guard/document/retainedBytes.js';
import { printable } from '../../core/guard/printable.js';
import { checkVariables } from '../../core/guard/validVariables.js';
import { formattedError } from '../../core/guard/request/plainReply.js';
import type { Operation } from '../../core/guard/request/guardedRequest.js';
import { refuseSimpleRequest } from '../../core/guard/request/preflight.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';
import { withoutTokens } from '../../core/keys/withoutTokens.js';
import { whenDone } from '../../core/util/whenDone.js';
import type { Callbacks } from '../../shared/callbacks.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import { requestsOf } from '../requestsOf.js';
import { badRequest, RequestErrors, unknownOperation, unwrapped } from './mercuriusErrors.js';
import { checkMercuriusOptions, type GuardedMercuriusOptions } from './mercuriusOptions.js';
import { FastHandler } from './fastPath/fastHandler.js';
import { MercuriusRequest, roomyContext, type Result } from './mercuriusRequest.js';
import { guardSockets } from './socketRoute.js';

/**
 * Registers Mercurius on a Fastify server, guarded: each request is authenticated, its operation is authorized before
 * anything runs, the key's limits apply, and the response has its status and header fields. The resolvers find the caller
 * as `context.principal`.
 *
 * @throws TypeError for an option that is unknown or weakens the guard; GuardError for a schema that is not guarded
 * @example
 * ```ts
 * import fastify from 'fastify';
 * import type { GraphQLSchema } from 'graphql';
 * import type { Latchkey } from 'latchkey';
 * import { latchkeyMercurius } from 'latchkey/mercurius';
 *
 * export async function serve(latchkey: Latchkey, schema: GraphQLSchema): Promise<void> {
 *   const app = fastify();
 *   await app.register(latchkeyMercurius, { latchkey, schema });
 *   await app.listen({ port: 4000 });
 * }
 * ```
 */
export async function latchkeyMercurius(app: FastifyInstance, options: GuardedMercuriusOptions): Promise<void> {
  const passed = checkMercuriusOptions(options);
  const guard = requestsOf('latchkeyMercurius', options.latchkey);
  guard.prepare(options.schema);
  const adapter = new Adapter(app, guard, options);
  adapter.prepare(app);
  const checkSockets = await adapter.guardSockets(app);
  await app.register(mercurius, adapter.optionsFor(passed));
  checkSockets();
  adapter.attach(app);
}

// Fastify gives a plugin its own scope, in which app.graphql would be hidden, unless it has this property.
Object.assign(latchkeyMercurius, { [Symbol.for('skip-override')]: true });

type Context = MercuriusContext & { readonly reply?: FastifyReply };

/** Translates Fastify's and Mercurius's hooks to the steps of a {@link RequestGuard}. */
class Adapter {
  readonly #guard: RequestGuard;
  readonly #options: GuardedMercuriusOptions;
  readonly #logger: Logger;
  readonly #callbacks: Callbacks;
  /** The property of Fastify's request that has ours. A WeakMap with an entry for each request costs more to collect. */
  readonly #ours = Symbol('latchkey');
  readonly #documents = new DocumentCache();
  readonly #contextOf: ReturnType<typeof directContext>;
  /** Header fields that make a request safe from CSRF, in addition to the usual ones; null: it is not prevented. */
  readonly #preflighted: readonly string[] | null;
  readonly #fast: FastHandler;

  constructor(app: FastifyInstance, guard: RequestGuard, options: GuardedMercuriusOptions) {
    this.#guard = guard;
    this.#options = options;
    this.#logger = { error: (error) => app.log.error(error) };
    this.#contextOf = directContext(options.latchkey.context);
    this.#preflighted = preflightedBy(options);
    this.#callbacks = guard.callbacks('latchkeyMercurius');
    this.#fast = new FastHandler(app, options, {
      requestOf: (request) => this.#oursOf(request),
      contextFor: (request, reply) => this.#contextFor(request, reply),
      decide: (asked, operation) => this.#decide(asked, operation),
      format: (execution, context) => this.#format(execution, context).response as Result,
    });
  }

  optionsFor(passed: MercuriusOptions): MercuriusOptions {
    const { parseOptions, validationOptions, validationRules } = this.#guard.bounds;
    const { additionalRouteOptions: own = {} } = this.#options;
    return {
      ...passed,
      graphql: { parseOptions, validateOptions: validationOptions },
      validationRules: [...validationRules, ...(this.#options.validationRules ?? [])],
      allowBatchedQueries: false,
      context: (request, reply) => this.#contextFor(request, reply),
      errorFormatter: (execution, context) => this.#format(execution, context),
      additionalRouteOptions: {
        // By its own schema, Mercurius sends the indices in the path of an error as strings.
        serializerCompiler: () => (result: unknown) => JSON.stringify(result),
        ...own,
        // Mercurius refuses mutations by GET, but not by HEAD.
        exposeHeadRoute: false,
        // Before the body is read.
        preParsing: [this.#arrived, ...listOf(own.preParsing)],
        preSerialization: [
          ...listOf(own.preSerialization),
          (request, reply, payload, done) => calling(done, () => this.#finish(request, reply, payload)),
        ],
      },
    } as MercuriusOptions;
  }

  readonly #arrived: preParsingHookHandler = (request, _reply, payload, done) =>
    calling(done, () => whenDone(this.#arrive(request), () => payload));

  prepare(app: FastifyInstance): void {
    // So that all requests have the same shape.
    app.decorateRequest(this.#ours, null as never);
    app.addHook('onRoute', (route) => {
      if (route.method !== 'POST' || !listOf(route.preParsing).includes(this.#arrived)) return;
      this.#arriveEarlier(route);
      this.#fast.attach(route);
    });
  }

  /**
   * Replaces the hook of Mercurius's own CSRF prevention, which is off and only costs a promise, by ours: Fastify creates more objects
   * for a hook before parsing. Hooks that other plugins have added to the route, such as a rate limit, run before ours.
   */
  #arriveEarlier(route: RouteOptions): void {
    const arrive: onRequestHookHandler = (request, _reply, done) => calling(done as Done, () => this.#arrive(request));
    const added = listOf(route.onRequest) as readonly onRequestHookHandler[];
    const isOnlyMercurius = added.length === 1 && added[0]?.name === 'onRequest';
    route.onRequest = isOnlyMercurius ? arrive : [...added, arrive];
    const others = listOf(route.preParsing).filter((hook) => hook !== this.#arrived);
    if (others.length > 0) route.preParsing = others as preParsingHookHandler[];
    else delete route.preParsing;
  }

  /** @returns a function to call when Mercurius is registered */
  async guardSockets(app: FastifyInstance): Promise<() => void> {
    const { subscription = false, latchkey, schema, validationRules = [] } = this.#options;
    if (subscription === false) return () => undefined;
    const own = subscription === true ? {} : subscription;
    return guardSockets(app, { latchkey, schema, validationRules, subscription: own });
  }

  attach(app: FastifyInstance): void {
    const { graphql } = app;
    const replaceSchema = graphql.replaceSchema.bind(graphql);
    graphql.addHook('preParsing', (schema, source, context) => this.#read(schema, source, context as Context));
    graphql.addHook(
      'preValidation',
      this.#weighing(() => replaceSchema(graphql.schema)),
    );
    graphql.addHook('preExecution', (schema, document, context, variables) =>
      this.#authorize(schema, document, context as Context, variables),
    );
    const hasSockets = Boolean(this.#options.subscription);
    const addHook = graphql.addHook.bind(graphql) as (name: string, hook: unknown) => void;
    Object.assign(graphql, {
      replaceSchema: (schema: GraphQLSchema) => {
        if (hasSockets) throw new TypeError('Open connections would keep the schema. Restart the server instead.');
        this.#guard.prepare(schema);
        replaceSchema(schema);
      },
      addHook: (name: string, hook: unknown) => {
        if (name.includes('Subscription')) throw new TypeError(`Latchkey serves the subscriptions, without ${name}.`);
        this.#fast.turnOff();
        addHook(name, hook);
      },
      ...{ defineResolvers: refuseChange, defineLoaders: refuseChange, extendSchema: refuseChange },
    });
  }

  #of({ reply }: { readonly reply?: FastifyReply }): MercuriusRequest | null {
    return reply === undefined ? null : this.#oursOf(reply.request);
  }

  #oursOf(request: FastifyRequest): MercuriusRequest | null {
    return (request as unknown as Record<symbol, MercuriusRequest | undefined>)[this.#ours] ?? null;
  }

  #arrive(request: FastifyRequest): void | Promise<void> {
    // Each operation of a WebSocket is checked and counted separately.
    if ((request as { readonly ws?: unknown }).ws === true) return undefined;
    const asked = new MercuriusRequest(this.#guard.begin(this.#logger), this.#options.schema);
    (request as unknown as Record<symbol, MercuriusRequest>)[this.#ours] = asked;
    asked.hasFailed = true;
    if (this.#preflighted !== null) {
      const error = refuseSimpleRequest((name) => textOf(request.headers[name]), this.#preflighted);
      if (error !== null) throw error;
    }
    return whenDone(this.#authenticate(request), (context) => {
      asked.context = context;
      refuseOtherTypes(request);
      asked.hasFailed = false;
    });
  }

  /** @throws Refusal, or rejects with it */
  #authenticate(request: FastifyRequest): LatchkeyContext | Promise<LatchkeyContext> {
    const refused = (error: unknown): never => {
      this.#guard.report(error, { principal: ANONYMOUS }, this.#logger);
      throw error;
    };
    try {
      const { headers, rawHeaders, socket } = request.raw;
      const context = this.#contextOf({ headers, rawHeaders, socket, ip: request.ip });
      return context instanceof Promise ? context.catch(refused) : context;
    } catch (error) {
      return refused(error);
    }
  }

  /** Mercurius also calls this to format an error of a request that has no context yet. */
  #contextFor(request: FastifyRequest, reply: FastifyReply): MaybePromise<Record<string, unknown>> {
    const asked = this.#oursOf(request);
    if (asked === null) return { principal: ANONYMOUS };
    const { context } = this.#options;
    const { operationName, variables } = parametersOf(request);
    if (typeof operationName === 'string') asked.operationName = operationName;
    if (typeof variables === 'object' && variables !== null) asked.variables = variables as Record<string, unknown>;
    if (context === undefined || asked.hasFailed) return roomyContext(asked.context);
    asked.hasFailed = true;
    return whenDone(context(request, reply, asked.context), (own) => {
      asked.hasFailed = false;
      return { ...own, ...asked.context };
    });
  }

  /** Reads the document before Mercurius does, because Mercurius also accepts syntax trees, of any size. */
  #read(schema: GraphQLSchema, source: string, context: Context): void | Promise<void> {
    const document = this.#documents.get(source) ?? this.#parse(source);
    const asked = this.#of(context);
    if (asked === null) return;
    asked.text = source;
    asked.document = document;
    asked.readFor = schema;
    const operation = getOperationAST(document, asked.operationName);
    if (operation == null) throw unknownOperation();
    asked.operation = operation;
    return this.#checkVariables(schema, asked, operation);
  }

  /** @throws GraphQLError */
  #parse(source: string): DocumentNode {
    const tooLong = this.#guard.refuseLines(source);
    if (tooLong !== null) throw tooLong;
    try {
      const document = parse(source, this.#guard.bounds.parseOptions);
      this.#documents.set(source, document);
      return document;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw Object.assign(error, { extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } } });
    }
  }

  /** Mercurius would report up to 50 errors of variables, and print the whole variable in each. */
  #checkVariables(
    schema: GraphQLSchema,
    asked: MercuriusRequest,
    operation: OperationDefinitionNode,
  ): void | Promise<void> {
    const { document } = asked;
    if (document === undefined) return;
    const variables = printable(schema, operation, asked.variables);
    const errors = checkVariables(schema, operation, variables);
    if (errors === null) return;
    const { validationRules, validationOptions } = this.#guard.bounds;
    const faults = validate(schema, document, [...specifiedRules, ...validationRules], validationOptions);
    if (faults.length > 0) throw new RequestErrors(faults.map((fault) => withCode(fault, 'GRAPHQL_VALIDATION_FAILED')));
    const refusal = asked.guarded.authorize(
      { schema, document, operation, variables, source: asked.text },
      asked.context,
    );
    return whenDone(refusal, (found) => {
      throw found ?? new RequestErrors(errors.map((error) => withCode(error, 'BAD_USER_INPUT')));
    });
  }

  /**
   * Returns the hook that bounds Mercurius's two caches of documents, which have a number of entries of any size. It sees
   * each document before it is cached. Caches are cleared together, with the compiled queries.
   *
   * @param clear empties the caches
   */
  #weighing(clear: () => void) {
    let bytes = 0;
    return async (_schema: GraphQLSchema, document: DocumentNode, context: MercuriusContext): Promise<void> => {
      if (!(document.loc instanceof Location)) throw badRequest('Send the document as text, not as a syntax tree.');
      const asked = this.#of(context);
      if (asked !== null) asked.guarded.wasParsed = true;
      bytes += retainedBytes(document);
      if (bytes <= MAX_CACHED_DOCUMENT_BYTES) return;
      bytes = retainedBytes(document);
      clear();
    };
  }

  #authorize(
    schema: GraphQLSchema,
    document: DocumentNode,
    context: Context,
    given: Readonly<Record<string, unknown>> | null | undefined,
  ): Part | undefined | Promise<Part | undefined> {
    // An operation of another route has its principal in the context.
    const asked = this.#of(context) ?? new MercuriusRequest(this.#guard.begin(this.#logger), schema);
    // Of the document that Mercurius executes, which is not the one that was read before.
    const operation = getOperationAST(document, asked.operationName);
    if (operation == null) throw unknownOperation();
    if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw notByHttp(Boolean(this.#options.subscription));
    const variables = given ?? {};
    const text = document.loc?.source.body ?? '';
    const isOwn = this.#of(context) !== null;
    if (asked.document !== undefined && asked.text === text && asked.readFor === schema) {
      this.#fast.remember(text, asked.document, schema);
    }
    asked.document = document;
    asked.operation = operation;
    asked.variables = variables;
    noteNumbers(context.reply, variables);
    const source = asked.text === '' ? text : asked.text;
    return this.#decide(asked, { schema, document, operation, variables, source }, isOwn ? null : context);
  }

  /** @param elsewhere the context of an operation of another route, whose response is not completed here; null: it is our own */
  #decide(
    asked: MercuriusRequest,
    operation: Operation,
    elsewhere: Context | null = null,
  ): Part | undefined | Promise<Part | undefined> {
    const from = elsewhere ?? asked.context;
    return whenDone(asked.guarded.authorize(operation, from, { canFilter: elsewhere === null }), (refusal) => {
      if (refusal !== null) throw refusal;
      return prepared(asked, operation, from);
    });
  }

  #format(
    execution: { readonly data?: unknown; readonly errors?: readonly GraphQLError[] },
    context: MercuriusContext,
  ): { statusCode: number; response: { data?: unknown; errors: GraphQLFormattedError[] } } {
    const asked = this.#of(context);
    const thrown = (execution.errors ?? []).flatMap(unwrapped);
    const guarded = asked?.guarded ?? this.#guard.begin(this.#logger);
    guarded.tell(thrown, asked?.context ?? context);
    if (asked !== null) asked.thrown = thrown;
    const errors = thrown.map((error) => this.#shown(formattedError(error), error));
    // Replaced when the response is completed.
    return { statusCode: 200, response: { ...('data' in execution && { data: execution.data }), errors } };
  }

  #shown(ours: GraphQLFormattedError, error: GraphQLError): GraphQLFormattedError {
    const { formatError } = this.#options;
    if (formatError === undefined) return ours;
    return this.#callbacks.ask('formatError', () => withoutTokens(formatError({ ...ours }, error)), {
      isValid: (value): value is GraphQLFormattedError => typeof value === 'object' && value !== null,
      allowed: 'an object with message',
      otherwise: ours,
    });
  }

  #finish(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const asked = this.#oursOf(request);
    if (asked === null || asked.isFinished || typeof payload !== 'object' || payload === null) return payload;
    const { extensions, ...result } = payload as Result & { readonly extensions?: object };
    // Without the property, instead of with an undefined value.
    if (result.data === undefined) delete result.data;
    return whenDone(asked.finish(result), (done) => {
      reply.code(done.statusCode);
      for (const [name, value] of done.headers) reply.header(name, value);
      return extensions === undefined
        ? done.result
        : { ...done.result, extensions: { ...extensions, ...done.result?.extensions } };
    });
  }
}

type MaybePromise<T> = T | Promise<T>;

type Done = (error: Error | null, payload?: never) => void;

/** Runs a hook that may return a promise. An async function would always create some. */
function calling(done: Done, run: () => unknown): void {
  let payload: unknown;
  try {
    payload = run();
  } catch (error) {
    done(error as Error);
    return;
  }
  if (payload instanceof Promise) payload.then((late) => done(null, late as never), done);
  else done(null, payload as never);
}

function preflightedBy({ csrfPrevention = true }: GuardedMercuriusOptions): readonly string[] | null {
  if (csrfPrevention === false) return null;
  const own = csrfPrevention === true ? [] : (csrfPrevention.requestHeaders ?? []);
  return ['x-mercurius-operation-name', 'mercurius-require-preflight', ...own];
}

/** The document that Mercurius executes in place of a cached one. */
interface Part {
  readonly document: DocumentNode;
}

/**
 * Prepares the execution of an allowed operation.
 *
 * @returns the document to execute in place of the cached one, which Mercurius does not compile; undefined: the cached one
 * @throws RequestErrors
 */
function prepared(asked: MercuriusRequest, request: Omit<Operation, 'source'>, from: object): Part | undefined {
  const { guarded } = asked;
  const part = guarded.executable(request);
  const errors = guarded.variableErrors(part, from);
  if (errors !== null) throw new RequestErrors(errors.map((error) => withCode(error, 'BAD_USER_INPUT')));
  guarded.wasExecuted = true;
  if (guarded.denied === null) return undefined;
  asked.document = part.document;
  asked.operation = part.operation;
  return { document: part.document };
}

interface Parameters {
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

/** Returns the parameters of a request. By GET, its variables are text, which Mercurius parses later. */
function parametersOf({ method, query, body }: FastifyRequest): Parameters {
  if (method !== 'GET') return body ?? {};
  const { operationName, variables } = query as Parameters;
  if (typeof variables !== 'string') return { operationName };
  try {
    return { operationName, variables: JSON.parse(variables) as unknown };
  } catch {
    // Mercurius refuses the request.
    return { operationName };
  }
}

function listOf(hooks: unknown): readonly unknown[] {
  return hooks === undefined ? [] : [hooks].flat();
}

function textOf(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field;
}

/** B35: pages can send forms and plain text, and Mercurius reads plain text as an operation. */
function refuseOtherTypes({ method, headers }: FastifyRequest): void {
  if (headers['content-type'] === 'application/json') return;
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (method !== 'POST' || TYPES.has(type.trim())) return;
  throw badRequest(
    'Unsupported content type. Send Content-Type: application/json and a JSON object such as {"query": "..."}.',
    415,
  );
}

const TYPES: ReadonlySet<string> = new Set(['application/json', 'multipart/form-data']);

/** Records the numbers that Mercurius altered when it parsed the variables of a GET request. */
function noteNumbers(reply: FastifyReply | undefined, variables: object): void {
  if (reply?.request.method !== 'GET') return;
  const { variables: text } = reply.request.query as { variables?: unknown };
  if (typeof text === 'string') noteAltered(text, variables);
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  return Object.assign(error, { extensions: { code, ...error.extensions, http: { status: 400 } } });
}

function refuseChange(): never {
  throw new TypeError('The schema is guarded and can no longer be changed. Change it before you call latchkey.guard.');
}

function notByHttp(hasSockets: boolean): Refusal {
  const message = hasSockets
    ? 'Subscriptions are WebSockets. Open this one with the protocol graphql-transport-ws at the same address.'
    : 'This server has no subscriptions. Send queries and mutations.';
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}
