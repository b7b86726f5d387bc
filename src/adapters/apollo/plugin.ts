import { HeaderMap } from '@apollo/server';
import type {
  ApolloServerPlugin,
  GraphQLRequest,
  GraphQLRequestContextDidEncounterErrors,
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextResponseForOperation,
  GraphQLRequestContextWillSendResponse,
  GraphQLRequestListener,
  GraphQLResponse,
} from '@apollo/server';
import {
  OperationTypeNode,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { Refusal } from '../../core/errors/refusal.js';
import { isPromise } from '../../core/guard/answer/promise.js';
import { printable } from '../../core/guard/printable.js';
import type { GuardedRequest, Operation } from '../../core/guard/request/guardedRequest.js';
import type { Reply } from '../../core/guard/request/reply.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';
import { checkOptions } from '../../core/util/checkOptions.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import { executeOperation } from './execution/executeOperation.js';
import { responseOf } from './execution/responseOf.js';
import { ServerConfig, type ExecutionConfig } from './execution/serverConfig.js';
import { guardOf } from './pluginGuard.js';
import { pluginSchema, type PluginOptions } from './pluginOptions.js';
import { chosenType } from './responseType.js';

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;
type Reading = GraphQLRequestContextResponseForOperation<LatchkeyContext>;
type Answered = GraphQLRequestContextWillSendResponse<LatchkeyContext>;

/** An Apollo Server request, at any stage. */
interface Asked {
  readonly schema: GraphQLSchema;
  readonly document?: DocumentNode;
  readonly operation?: OperationDefinitionNode | null;
  readonly request: GraphQLRequest;
}

/**
 * A resolved promise to return. Apollo Server awaits the result of each hook; an async function would create another
 * promise, and take another microtask turn, for each request. Most hooks do nothing asynchronous.
 */
const DONE = Promise.resolve();
const NOT_PREPARED = Promise.resolve(null);

/**
 * Returns the response to a subscription. Apollo Server would execute it like a query, and respond with null and status 200. A plugin
 * that serves streams must be listed before this one.
 */
function withoutStream(): Promise<GraphQLResponse> {
  const { message, details } = NO_STREAM;
  return Promise.resolve({
    http: { headers: new HeaderMap(), status: 400 },
    body: { kind: 'single', singleResult: { errors: [{ message, extensions: details }] } },
  });
}

const NO_STREAM = new Refusal(
  'This address runs queries and mutations only. Open the subscription as a stream, if the server has an address for streams.',
  { code: 'BAD_REQUEST' },
);

/**
 * Returns the plugin for Apollo Server: it authorizes the selected operation before anything runs, applies the key's
 * limits, and sets the status and header fields of the response. The server does not start if {@link assertGuarded}
 * rejects its schema.
 *
 * @example
 * ```ts
 * import { ApolloServer } from '@apollo/server';
 * import type { GraphQLSchema } from 'graphql';
 * import { Limiter, type LatchkeyContext } from 'latchkey';
 * import { createPlugin } from 'latchkey/apollo';
 *
 * export function guarded(schema: GraphQLSchema): ApolloServer<LatchkeyContext> {
 *   return new ApolloServer<LatchkeyContext>({ schema, plugins: [createPlugin({ limiter: new Limiter() })] });
 * }
 * ```
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  checkOptions('createPlugin', pluginSchema, options);
  return pluginOf(guardOf(options));
}

/** Translates Apollo Server's hooks to the steps of a {@link RequestGuard}. */
export function pluginOf(guard: RequestGuard): ApolloServerPlugin<LatchkeyContext> {
  let logger: Logger | undefined;
  const config = new ServerConfig();
  const plugin: ApolloServerPlugin<LatchkeyContext> = {
    async serverWillStart(server) {
      guard.prepare(server.schema);
      logger = server.logger;
      config.start(plugin, server.schema);
    },
    // Apollo Server doesn't log this, and the response does not contain the cause.
    async contextCreationDidFail({ error }) {
      guard.report(error, { principal: ANONYMOUS }, logger);
    },
    requestDidStart({ request }) {
      noteVariables(request);
      const given = { tooLong: withoutLines(request, guard), execution: config.executionFor(plugin) };
      return Promise.resolve(new Request(guard.begin(logger), given));
    },
  };
  parts.set(plugin, { guard, config });
  return plugin;
}

const parts = new WeakMap<object, { readonly guard: RequestGuard; readonly config: ServerConfig }>();

/** Returns the guard of Latchkey's plugin for Apollo Server; null if the plugin is another one. */
export function guardOfPlugin(plugin: object): RequestGuard | null {
  return parts.get(plugin)?.guard ?? null;
}

/** Lets Latchkey's plugin execute operations if the options are passed to Apollo Server as they are, and no other plugin sees requests. */
export function watchOptions(options: { readonly plugins?: readonly object[] }): void {
  for (const plugin of options.plugins ?? []) parts.get(plugin)?.config.watch(options);
}

/** One request, from its operation to its response. */
class Request implements GraphQLRequestListener<LatchkeyContext> {
  readonly #guarded: GuardedRequest;
  /** The reason why the document is not parsed. */
  readonly #tooLong: GraphQLError | null;
  /** How to execute the operation; null: Apollo Server does. */
  readonly #execution: ExecutionConfig | null;
  executionDidStart?: () => Promise<void>;

  constructor(
    guarded: GuardedRequest,
    given: { readonly tooLong: GraphQLError | null; readonly execution: ExecutionConfig | null },
  ) {
    this.#guarded = guarded;
    this.#tooLong = given.tooLong;
    this.#execution = given.execution;
  }

  parsingDidStart(): Promise<void> {
    this.#guarded.wasParsed = true;
    return DONE;
  }

  didResolveOperation(given: Resolved): Promise<void> {
    if (this.#tooLong !== null) throw this.#tooLong;
    shortenVariables(given);
    const asked = operationOf(given);
    if (asked === null) return DONE;
    const { schema, document, operation, variables } = asked;
    const { source } = given;
    const whole = { schema, source, document, operation, variables };
    const refusal = this.#guarded.authorize(whole, given.contextValue, { canFilter: true });
    if (refusal instanceof Promise) return refusal.then((late) => this.#settle(late, given));
    this.#settle(refusal, given);
    return DONE;
  }

  #settle(refusal: Refusal | null, given: Resolved): void {
    if (refusal !== null) throw refusal;
    const { denied } = this.#guarded;
    if (denied === null) return;
    // Apollo Server executes the document of the context.
    Object.assign(given, { document: denied.document, operation: denied.operation });
    // Only for these operations, because each hook takes time.
    this.executionDidStart = () => {
      this.#guarded.wasExecuted = true;
      return DONE;
    };
  }

  responseForOperation(given: Reading): Promise<GraphQLResponse | null> {
    const asked = operationOf(given);
    if (asked?.operation.operation === OperationTypeNode.SUBSCRIPTION && given.schema.getSubscriptionType() != null) {
      return this.#guarded.isInvalid ? NOT_PREPARED : withoutStream();
    }
    const data = asked && this.#guarded.readSchema(asked, given.contextValue);
    if (data !== null) return Promise.resolve(responseOf({ data }, {}));
    return asked === null || this.#execution === null || !this.#guarded.isAllowed
      ? NOT_PREPARED
      : this.#execute(asked, given, this.#execution);
  }

  /**
   * Executes an operation in place of Apollo Server, whose own step takes 5 to 10 µs more: it copies the request twice, negotiates types
   * of incremental responses and awaits hooks that no plugin has.
   */
  #execute(
    { schema, document, operation }: Omit<Operation, 'source'>,
    given: Reading,
    config: ExecutionConfig,
  ): Promise<GraphQLResponse | null> {
    const { request, source, contextValue } = given;
    const { operationName, variables } = request;
    const isPart = this.#guarded.denied !== null;
    const selected = { source, schema, document, operation, operationName, variables, contextValue, isPart };
    const settle = (result: ExecutionResult): GraphQLResponse | null => {
      // Invalid variables. Apollo Server finds them again, before any resolver runs.
      if (result.data === undefined) return null;
      if (isPart) this.#guarded.wasExecuted = true;
      const { errors } = result;
      if (errors !== undefined) {
        Object.assign(given, { errors });
        this.#guarded.tell(errors, contextValue);
      }
      return responseOf(result, config);
    };
    let result: ExecutionResult | Promise<ExecutionResult>;
    try {
      result = executeOperation(selected, config);
    } catch {
      // It throws again in Apollo Server, before any resolver runs.
      return NOT_PREPARED;
    }
    return isPromise(result) ? result.then(settle) : Promise.resolve(settle(result));
  }

  didEncounterErrors(given: GraphQLRequestContextDidEncounterErrors<LatchkeyContext>): Promise<void> {
    this.#guarded.tell(given.errors, given.contextValue);
    return DONE;
  }

  willSendResponse(given: Answered): Promise<void> {
    setType(given);
    return this.#guarded.finish(new ApolloReply(given)) ?? DONE;
  }
}

/** A response of Apollo Server that is about to be sent. */
class ApolloReply implements Reply {
  readonly #given: Answered;
  errors: readonly GraphQLError[] | undefined;

  constructor(given: Answered) {
    this.#given = given;
    this.errors = given.errors;
  }

  get schema() {
    return this.#given.schema;
  }

  get context() {
    return this.#given.contextValue;
  }

  get written() {
    const { query = '', operationName = '' } = this.#given.request;
    return [query, operationName];
  }

  get document() {
    return this.#given.document;
  }

  get operation() {
    return this.#given.operation;
  }

  get variables() {
    return this.#given.request.variables;
  }

  get result() {
    const { body } = this.#given.response;
    return body.kind === 'single' ? body.singleResult : null;
  }

  get status() {
    return this.#given.response.http.status;
  }

  set status(status: number | undefined) {
    const { http } = this.#given.response;
    if (status === undefined) delete http.status;
    else http.status = status;
  }

  get headers() {
    return this.#given.response.http.headers;
  }
}

/** Sets the type that Apollo Server would otherwise negotiate after this plugin. */
function setType({ request, response: { body, http } }: Answered): void {
  if (request.http === undefined || body.kind !== 'single' || http.headers.has('content-type')) return;
  const type = chosenType(request.http.headers.get('accept'));
  if (type !== undefined) http.headers.set('content-type', type);
}

/** Returns the selected operation of a request; null if the document has none of that name, or was not parsed. */
function operationOf({ schema, document, operation, request }: Asked): Omit<Operation, 'source'> | null {
  if (document === undefined || operation == null) return null;
  return { schema, document, operation, variables: request.variables ?? {} };
}

/** Records the numbers that Apollo Server altered when it parsed the variables of a GET request. */
function noteVariables({ http, variables }: GraphQLRequest): void {
  if (http?.method !== 'GET' || variables === undefined) return;
  const text = new URLSearchParams(http.search).get('variables');
  if (text !== null) noteAltered(text, variables);
}

/**
 * Replaces a document with too many lines, before Apollo Server parses it.
 *
 * @returns the error to return instead of the response to the replacement; null if the request is unchanged
 */
function withoutLines(request: GraphQLRequest, guard: RequestGuard): GraphQLError | null {
  const error = request.query === undefined ? null : guard.refuseLines(request.query);
  if (error !== null) {
    request.query = '{ __typename }';
    delete request.operationName;
  }
  return error;
}

/** Apollo Server executes the operation with the variables of the request, and prints them if they are wrong. */
function shortenVariables({ schema, operation, request }: Resolved): void {
  const { variables } = request;
  if (variables === undefined) return;
  const short = printable(schema, operation, variables);
  if (short !== variables) request.variables = short;
}
