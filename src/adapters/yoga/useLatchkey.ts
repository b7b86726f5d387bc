import { execute, getOperationAST, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { directContext } from '../../core/auth/context.js';
import type { ForeignSource } from '../../core/auth/headerFields.js';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import type { Latchkey } from '../../assembly/libraryApi.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { printable } from '../../core/guard/printable.js';
import type { Operation } from '../../core/guard/request/guardedRequest.js';
import { refuseSimpleRequest } from '../../core/guard/request/preflight.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';
import type { Admitted } from '../../core/streams/guardedSubscriptions.js';
import type { Place } from '../../core/streams/openStreams.js';
import type { ResultStream } from '../../core/streams/resultStream.js';
import { requestsOf } from '../requestsOf.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import { boundBody, MAX_BODY_BYTES } from './bodyLimit.js';
import { requestOfNode } from './requestOfNode.js';
import type {
  Arrival,
  Done,
  Envelope,
  Execution,
  ExecutionHooks,
  ParseHooks,
  ServerContext,
  Yoga,
  YogaPlugin,
} from './hooks.js';
import { checkYogaOptions, type UseLatchkeyOptions } from './yogaOptions.js';
import { YogaDocuments } from './yogaDocuments.js';
import { whenDone } from '../../core/util/whenDone.js';
import { YogaRequest, type YogaResult } from './yogaRequest.js';

type YogaGuard = Pick<Latchkey, 'context' | 'requests' | 'streams' | 'resourceMetadata'>;

/**
 * Returns the plugin for GraphQL Yoga: it authenticates each request, authorizes the operation before anything runs, applies
 * the key's limits, and sets the status and header fields of the response. Put it before plugins that can answer a request.
 * The resolvers find the caller as `context.principal`.
 *
 * @param latchkey from `createLatchkey`
 * @throws TypeError for an invalid option. `createYoga` throws GuardError for a schema that is not guarded, and TypeError
 * for an option that weakens the guard
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import { createYoga } from 'graphql-yoga';
 * import type { Latchkey } from 'latchkey';
 * import { useLatchkey } from 'latchkey/yoga';
 *
 * export const serve = (latchkey: Latchkey, schema: GraphQLSchema) =>
 *   createYoga({ schema, parserAndValidationCache: false, maxRequestBodySize: false, plugins: [useLatchkey(latchkey)] });
 * ```
 */
export function useLatchkey(latchkey: YogaGuard, options: UseLatchkeyOptions = {}): object {
  requestsOf('useLatchkey', latchkey);
  checkYogaOptions(options);
  return new Plugin(latchkey, options).hooks;
}

/** Translates Yoga's hooks to the steps of a {@link RequestGuard}. */
class Plugin {
  readonly #latchkey: YogaGuard;
  readonly #guard: RequestGuard;
  readonly #options: UseLatchkeyOptions;
  readonly #documents: YogaDocuments;
  /** The property of Yoga's request that has ours. A WeakMap with an entry for each request costs more to collect. */
  readonly #ours = Symbol('latchkey');
  readonly #context: ReturnType<typeof directContext>;
  /** Header fields that make a request safe from CSRF, in addition to the usual ones; null if it is not prevented. */
  readonly #preflighted: readonly string[] | null;
  #schema: GraphQLSchema | null = null;
  #logger: Logger | undefined;

  constructor(latchkey: YogaGuard, options: UseLatchkeyOptions) {
    this.#latchkey = latchkey;
    this.#guard = latchkey.requests;
    this.#context = directContext(latchkey.context);
    this.#preflighted = preflightedBy(options);
    this.#options = options;
    this.#documents = new YogaDocuments(latchkey.requests.bounds);
  }

  get hooks(): YogaPlugin {
    const { maxBodyBytes = MAX_BODY_BYTES } = this.#options;
    return {
      // After the parsers of all other plugins.
      onPluginInit: ({ plugins }) =>
        plugins.push({ onRequestParse: (given: Arrival) => boundBody(given, maxBodyBytes) }),
      onYogaInit: ({ yoga }) => this.#start(yoga),
      onSchemaChange: ({ schema }) => this.#prepare(schema),
      onRequestParse: ({ request, serverContext }) => this.#arrive(request, serverContext),
      onParams: ({ request, params }) => this.#take(request, params),
      onParse: (given) => this.#parse(given),
      onValidate: ({ addValidationRule, setValidationFn }) => {
        this.#guard.bounds.validationRules.forEach(addValidationRule);
        setValidationFn(this.#documents.validate);
      },
      onContextBuilding: ({ context, extendContext }) => {
        const asked = this.#of(context);
        if (asked !== null) extendContext(asked.context);
      },
      onExecute: (given) => this.#execute(given),
      onSubscribe: async (given) => given.setResultAndStopExecution(await this.#subscribe(given)),
      onResultProcess: ({ request, result, setResult }) => {
        const asked = this.#of({ request });
        if (asked === null || asked.isFinished) return undefined;
        if (isIterable(result) && asked.stream !== null) {
          return whenDone(asked.finishOther(), (fields) => {
            Object.assign(result, { extensions: { http: { headers: Object.fromEntries(fields) } } });
          });
        }
        const shown = isIterable(result) ? unauthorized() : this.#allowed(asked, result as YogaResult);
        return whenDone(asked.finish(shown), setResult);
      },
      onResponse: ({ request, response }) => {
        const asked = this.#of({ request });
        if (asked === null) return undefined;
        if (asked.stream !== null && !isEventStream(response)) void asked.stream.return();
        // Yoga responds to some requests before it reads their operation, such as requests with an unsupported content type.
        if (asked.isFinished) return undefined;
        return whenDone(asked.finishOther(), (fields) => {
          for (const [name, value] of fields) response.headers.set(name, value);
        });
      },
    };
  }

  #start(yoga: Yoga): void {
    this.#logger = yoga.logger;
    if (this.#schema === null) {
      throw new TypeError(
        'createYoga: schema is missing, or not a GraphQLSchema. Pass the schema that latchkey.guard returned, so that it is checked at the start.',
      );
    }
    const probe = (): unknown => yoga.getEnveloped({}).parse(PROBE);
    if (probe() === probe()) {
      throw new TypeError(
        'createYoga: documents are cached without a bound, so callers without a key could fill the memory. Set parserAndValidationCache: false. Latchkey has its own cache.',
      );
    }
  }

  #prepare(schema: GraphQLSchema): void {
    const directive = ['defer', 'stream'].find((name) => schema.getDirective(name) != null);
    if (directive !== undefined) {
      throw new TypeError(
        `createYoga: the schema has @${directive}. Limits do not cover incremental responses. Remove the plugin that adds it, such as useDeferStream.`,
      );
    }
    this.#guard.prepare(schema);
    this.#schema = schema;
  }

  #of({ request }: Envelope): YogaRequest | null {
    return (request as Readonly<Record<symbol, YogaRequest | undefined>> | undefined)?.[this.#ours] ?? null;
  }

  #arrive(request: Request, serverContext: ServerContext): ParseHooks | Promise<ParseHooks> {
    if (this.#schema === null) throw unavailable('The server has no schema.', 1);
    const asked = new YogaRequest(this.#guard.begin(this.#logger), this.#schema);
    (request as unknown as Record<symbol, YogaRequest>)[this.#ours] = asked;
    if (this.#preflighted !== null) {
      const error = refuseSimpleRequest((name) => request.headers.get(name), this.#preflighted);
      if (error !== null) throw error;
    }
    return whenDone(this.#authenticate(asked, request, serverContext), (context) => {
      asked.context = context;
      refuseOtherTypes(request);
      return AFTER_PARSING;
    });
  }

  /** @throws Refusal, or rejects with it */
  #authenticate(
    asked: YogaRequest,
    request: Request,
    serverContext: ServerContext,
  ): LatchkeyContext | Promise<LatchkeyContext> {
    // Yoga does not log a refusal, and the response does not contain its cause.
    const refused = (error: unknown): never => {
      this.#guard.report(error, { principal: ANONYMOUS }, this.#logger);
      throw error;
    };
    try {
      asked.source = sourceOf(request, serverContext, this.#options);
      const context = this.#context(asked.source);
      return context instanceof Promise ? context.catch(refused) : context;
    } catch (error) {
      return refused(error);
    }
  }

  #take(request: Request, { variables, operationName }: Parameters<YogaPlugin['onParams']>[0]['params']): void {
    const asked = this.#of({ request });
    if (asked === null) return;
    asked.operationName = typeof operationName === 'string' ? operationName : null;
    if (request.method !== 'GET' || typeof variables !== 'object' || variables === null) return;
    const text = new URL(request.url).searchParams.get('variables');
    if (text !== null) noteAltered(text, variables);
  }

  #parse({ context, params: { source }, setParsedDocument }: Parameters<YogaPlugin['onParse']>[0]) {
    const text = typeof source === 'string' ? source : source.body;
    const asked = this.#of(context);
    if (asked === null && text === PROBE) return undefined;
    if (asked !== null) asked.text = text;
    let document = this.#documents.find(text);
    if (document === undefined) {
      const tooLong = this.#guard.refuseLines(text);
      if (tooLong !== null) throw tooLong;
      if (asked !== null) asked.guarded.wasParsed = true;
      document = this.#documents.parse(text);
    }
    setParsedDocument(document);
    if (asked !== null) asked.document = document;
    return undefined;
  }

  #execute(given: Execution): ExecutionHooks | Promise<ExecutionHooks> {
    // An operation that doesn't come from Yoga's handler, such as one over a WebSocket, has its principal in the context.
    const asked = this.#of(given.context) ?? new YogaRequest(this.#guard.begin(this.#logger), given.args.schema);
    const hooks: ExecutionHooks = { onExecuteDone: (done) => format(asked, done) };
    return whenDone(this.#authorize(asked, given), (result) => {
      if (result !== null) given.setResultAndStopExecution(result);
      return hooks;
    });
  }

  /** Returns the result of an operation that must not be executed; null: execute it. */
  #authorize(asked: YogaRequest, execution: Execution): YogaResult | null | Promise<YogaResult | null> {
    const { args, context } = execution;
    const { schema, document } = args;
    const operation = getOperationAST(document, args.operationName);
    if (operation == null) return { errors: [unknownOperation()] };
    const isOwn = this.#of(context) !== null;
    const by = isOwn ? asked.context : (args.contextValue ?? {});
    const variables = printable(schema, operation, args.variableValues ?? {});
    args.variableValues = variables;
    asked.document = document;
    asked.operation = operation;
    asked.variables = variables;
    const source = asked.text === '' ? (document.loc?.source.body ?? '') : asked.text;
    const request = { schema, document, operation, variables, source };
    // The response to an operation from elsewhere is not completed here.
    return whenDone(asked.guarded.authorize(request, by, { canFilter: isOwn }), (refusal) =>
      refusal === null ? prepared(asked, request, by, execution) : { errors: [refusal] },
    );
  }

  /** Opens a subscription. @returns its results, or a result with errors */
  async #subscribe(given: Execution): Promise<YogaResult | ResultStream> {
    const asked = this.#of(given.context);
    if (asked === null) return { errors: [badRequest(NOT_HERE)] };
    if (!acceptsEvents(given.context.request)) return { errors: [notAcceptable()] };
    let place: Place | null = null;
    try {
      // Before the operation is authorized, so that parallel requests cannot exceed the limit.
      place = await this.#latchkey.streams.take(asked.context);
      const refused = await this.#authorize(asked, given);
      if (refused !== null) return refused;
      const results = await this.#latchkey.streams.subscribe(admittedBy(asked, given), asked.source, place);
      if ('errors' in results) return { errors: results.errors };
      asked.stream = results;
      return results;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { errors: [withHttp(error, this.#latchkey.resourceMetadata())] };
    } finally {
      place?.giveBack();
    }
  }

  /** Replaces the data of an operation that was not authorized, such as data from another plugin's cache. */
  #allowed(asked: YogaRequest, result: YogaResult): YogaResult {
    if (result.data == null || asked.guarded.isAllowed) return result;
    return unauthorized();
  }
}

const AFTER_PARSING: ParseHooks = { onRequestParseDone: refuseBatch };

function preflightedBy({ csrfPrevention = true }: UseLatchkeyOptions): readonly string[] | null {
  if (csrfPrevention === false) return null;
  return ['x-graphql-yoga-csrf', ...(csrfPrevention === true ? [] : (csrfPrevention.requestHeaders ?? []))];
}

/** Prepares the execution of an allowed operation. @returns its result, if it needs no execution */
function prepared(
  asked: YogaRequest,
  request: Omit<Operation, 'source'>,
  by: object,
  { args, executeFn = execute, setExecuteFn }: Execution,
): YogaResult | null {
  const { guarded } = asked;
  const part = guarded.executable(request);
  const run = hasPrototype(part.operation) ? execute : executeFn;
  if (guarded.denied !== null) {
    args.document = part.document;
    asked.document = part.document;
    asked.operation = part.operation;
    setExecuteFn((given) => {
      guarded.wasExecuted = true;
      return run(given);
    });
  } else if (run !== executeFn) setExecuteFn(run);
  const errors = guarded.variableErrors(part, by);
  if (errors !== null) return { errors };
  const data = guarded.readSchema(part, by);
  return data === null ? null : { data };
}

/** The executor of @graphql-tools, which Yoga uses, loses the value of this variable. The one of graphql-js does not. */
function hasPrototype({ variableDefinitions }: OperationDefinitionNode): boolean {
  return variableDefinitions?.some(({ variable }) => variable.name.value === '__proto__') === true;
}

/** A document that is only parsed at the start, to find out whether another plugin caches documents. */
const PROBE = '{ __typename } # Latchkey checks at the start whether documents are cached.';

/** Returns Node's request, which has all header fields and the address, or otherwise the Fetch API request. */
function sourceOf(request: Request, serverContext: ServerContext, { address }: UseLatchkeyOptions): ForeignSource {
  const known = requestOfNode(serverContext);
  const source: ForeignSource =
    known?.rawHeaders === undefined
      ? { headers: request.headers }
      : { headers: known.headers, rawHeaders: known.rawHeaders, ...(known.socket && { socket: known.socket }) };
  const ip = address === undefined ? serverContext.req?.ip : address(serverContext);
  return ip == null ? source : { ...source, ip };
}

function format(asked: YogaRequest, { result, setResult }: Done): void {
  if (isIterable(result)) {
    void (result as Partial<AsyncIterator<unknown>>).return?.();
    setResult({ errors: asked.format([noIncremental()]) });
    return;
  }
  const { errors } = result as YogaResult;
  if (errors !== undefined && errors.length > 0) {
    setResult({ ...(result as YogaResult), errors: asked.format(errors) });
  }
}

function isIterable(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

/** B35: Yoga also reads operations from forms and plain text, which pages can send. */
function refuseOtherTypes({ method, headers }: Request): void {
  if (method !== 'POST') return;
  const given = headers.get('content-type') ?? '';
  if (TYPES.has(given)) return;
  const [type = ''] = given.toLowerCase().split(/[;,]/);
  if (TYPES.has(type.trim())) return;
  throw new GraphQLError(
    'Unsupported content type. Send Content-Type: application/json and a JSON object such as {"query": "..."}.',
    { extensions: { code: 'BAD_REQUEST', http: { status: 415 } } },
  );
}

const TYPES: ReadonlySet<string> = new Set(['application/json', 'application/graphql+json', 'multipart/form-data']);

function refuseBatch({ requestParserResult: body }: { readonly requestParserResult: unknown }): void {
  // B38: the operations of a batch would share one admission.
  if (!Array.isArray(body)) return;
  throw badRequest(
    'Batches of operations are not supported: the body is a JSON array. Send one request for each operation, with a JSON object such as {"query": "..."}.',
  );
}

const unknownOperation = (): GraphQLError =>
  new GraphQLError('Unknown operation. Send the operationName of an operation in the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
  });

const noIncremental = (): GraphQLError => new GraphQLError('Incremental responses are not supported.');

const NOT_HERE =
  'Subscriptions over WebSockets need latchkey/graphql-ws. Send this one by HTTP, as Server-Sent Events.';

function notAcceptable(): GraphQLError {
  return new GraphQLError('Subscriptions are Server-Sent Events. Send the header "Accept: text/event-stream".', {
    extensions: { code: 'BAD_REQUEST', http: { status: 406 } },
  });
}

function acceptsEvents(request: Request | undefined): boolean {
  const types = (request?.headers.get('accept') ?? '*/*').toLowerCase().split(',');
  return types.some((type) => EVENTS.has(type.split(';')[0]?.trim() ?? ''));
}

const EVENTS: ReadonlySet<string> = new Set(['text/event-stream', 'text/*', '*/*']);

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

function admittedBy(asked: YogaRequest, { args }: Execution): Admitted<LatchkeyContext> {
  const { schema, document, rootValue } = args;
  const { operation, variables, text } = asked;
  if (operation == null) throw unknownOperation();
  const context = { ...(args.contextValue as object), ...asked.context };
  return {
    operation: { schema, document, operation, variables, source: text },
    context,
    rootValue,
    contextFor: (principal) => ({ ...context, principal }),
  };
}

function unauthorized(): YogaResult {
  const fault = new Error(
    'Another plugin answered a request that Latchkey did not authorize. Put useLatchkey before it in plugins.',
  );
  return { errors: [new GraphQLError(fault.message, { originalError: fault })] };
}

function badRequest(message: string): Refusal {
  return withHttp(new Refusal(message, { code: 'BAD_REQUEST' }));
}
