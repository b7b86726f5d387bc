import { HeaderMap } from '@apollo/server';
import type {
  ApolloServerPlugin,
  GraphQLRequest,
  GraphQLRequestContextDidEncounterErrors,
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextResponseForOperation,
  GraphQLRequestListener,
  GraphQLResponse,
} from '@apollo/server';
import type { DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import {
  ANONYMOUS,
  type AuthenticatedPrincipal,
  type LatchkeyContext,
  type Principal,
} from '../../core/auth/principal.js';
import { withHttp } from '../../core/errors/http.js';
import { ANSWER_LIMITS, type AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { Authorizer, type Decision } from '../../core/guard/authorize.js';
import { ADDRESS_OR_NULL } from '../../core/auth/context.js';
import { isPrincipal, principalIn } from '../../core/guard/decide.js';
import { MAX_LINES, refuseLines } from '../../core/guard/lines.js';
import { printable } from '../../core/guard/printable.js';
import type { OperationRequest } from '../../core/guard/review.js';
import { checkedLimits } from '../../core/limits/checked.js';
import { limitFields, RATE_LIMIT_HEADERS, type RateLimitHeaders } from '../../core/limits/limitFields.js';
import { standingLimits } from '../../core/limits/limitHeaders.js';
import type { Admission, Limits } from '../../core/limits/limits.js';
import { containedObserver } from '../../core/observer/containedObserver.js';
import { checkOptions } from '../../core/util/checkOptions.js';
import { Verdicts } from '../../management/verdicts.js';
import { Callbacks } from '../../shared/callbacks.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import { boundAnswer, capErrors, MAX_ERRORS, retell, setLimitFields, setStatus, type Answered } from './answer.js';
import { settle, untold } from './formatError.js';
import { narrow } from './narrow.js';
import { tellOutcome } from './outcome.js';
import { pluginSchema, type PluginOptions } from './pluginOptions.js';

/** The part of Apollo Server's logger that the plugin uses. */
interface Logger {
  error(message: unknown): unknown;
}

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;
type Reading = GraphQLRequestContextResponseForOperation<LatchkeyContext>;

/** The operation of a request, and its variables. */
type Operation = Pick<OperationRequest, 'schema' | 'document' | 'operation' | 'variables'>;

/** A request of Apollo Server, at any time after its start. */
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
 * Returns the plugin for Apollo Server: it authorizes the selected operation before anything runs, applies the key's
 * limits, and sets the status and header fields of the response. The server does not start if {@link assertGuarded}
 * rejects its schema.
 *
 * @example
 * ```ts
 * import { ApolloServer } from '@apollo/server';
 * import type { GraphQLSchema } from 'graphql';
 * import { createPlugin, Limiter, type LatchkeyContext } from 'latchkey';
 *
 * export function guarded(schema: GraphQLSchema): ApolloServer<LatchkeyContext> {
 *   return new ApolloServer<LatchkeyContext>({ schema, plugins: [createPlugin({ limiter: new Limiter() })] });
 * }
 * ```
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  checkOptions('createPlugin', pluginSchema, options);
  const shared = new Shared(options);
  return {
    async serverWillStart(server) {
      shared.authorizer.prepare(server.schema);
      shared.logger = server.logger;
    },
    // Apollo Server doesn't log this, and the response does not contain the cause.
    async contextCreationDidFail({ error }) {
      const kept = untold(error);
      if (kept !== undefined) shared.report(kept, { principal: ANONYMOUS });
    },
    requestDidStart({ request }) {
      noteVariables(request);
      return Promise.resolve(new Request(shared, withoutLines(request, shared.maxLines)));
    },
  };
}

/** The results that the option `rateLimitHeaders` may have. */
const STYLE = {
  isValid: (value: unknown): value is RateLimitHeaders => (RATE_LIMIT_HEADERS as readonly unknown[]).includes(value),
  allowed: RATE_LIMIT_HEADERS.join(', '),
  otherwise: 'draft',
} as const;

/** State shared by all requests. */
class Shared {
  readonly authorizer: Authorizer;
  readonly limits: Limits;
  readonly answer: AnswerLimits;
  readonly maxLines: number;
  /** That of Apollo Server, from its start on. */
  logger: Logger | undefined;
  readonly #log: PluginOptions['log'];
  readonly #callbacks: Callbacks;
  readonly resourceMetadata: () => string | null;
  readonly rateLimitHeaders: () => RateLimitHeaders;

  constructor(options: PluginOptions) {
    const { limiter, introspection = 'authenticated', answer = ANSWER_LIMITS, maxLines = MAX_LINES } = options;
    const { resourceMetadata = () => null, rateLimitHeaders = () => 'draft' } = options;
    const callbacks = new Callbacks('createPlugin', (fault) => this.#tell(fault, { principal: ANONYMOUS }));
    const log = new Verdicts({
      ...(options.usage && { usage: callbacks.containAll('usage', options.usage, ['admitted', 'refused']) }),
      ...(options.refusals && { refusals: callbacks.containAll('refusals', options.refusals, ['key']) }),
      observer: containedObserver(callbacks, options.observer),
    });
    this.#callbacks = callbacks;
    this.limits = checkedLimits('createPlugin: limiter', limiter);
    this.authorizer = new Authorizer({ limits: this.limits, introspection, answer, log });
    this.answer = answer;
    this.maxLines = maxLines;
    this.#log = options.log;
    this.resourceMetadata = () => callbacks.ask('resourceMetadata', resourceMetadata, ADDRESS_OR_NULL);
    this.rateLimitHeaders = () => callbacks.ask('rateLimitHeaders', rateLimitHeaders, STYLE);
  }

  report(error: unknown, context: LatchkeyContext, logger?: Logger): void {
    this.#callbacks.call('log', () => this.#tell(error, context, logger));
  }

  #tell(error: unknown, context: LatchkeyContext, logger = this.logger): unknown {
    const tell: (error: unknown, context: LatchkeyContext) => unknown = this.#log ?? ((fault) => logger?.error(fault));
    return tell(error, context);
  }
}

/** One request, from its operation to its response. */
class Request implements GraphQLRequestListener<LatchkeyContext> {
  readonly #shared: Shared;
  /** null: the operation was not checked yet. */
  #decision: Decision | null = null;
  /** The windows from which the request was taken as a failed one. */
  #failed: Admission | null = null;
  /** Was the document parsed for this request instead of found in the cache? */
  #wasParsed = false;
  /** Was the response prepared from the caller's view of the schema? */
  #isPrepared = false;
  /** The reason why the document is not parsed. */
  readonly #tooLong: GraphQLError | null;

  constructor(shared: Shared, tooLong: GraphQLError | null) {
    this.#shared = shared;
    this.#tooLong = tooLong;
  }

  parsingDidStart(): Promise<void> {
    this.#wasParsed = true;
    return DONE;
  }

  didResolveOperation(given: Resolved): Promise<void> {
    if (this.#tooLong !== null) throw this.#tooLong;
    shortenVariables(given);
    const { authorizer } = this.#shared;
    let principal: Principal;
    try {
      principal = principalIn(given.contextValue);
    } catch (error) {
      return this.#settle(authorizer.refuse(null, error));
    }
    const asked = operationOf(given);
    if (asked === null) return DONE;
    const wasCounted = given.contextValue.counted === true;
    const request = { ...asked, source: given.source, principal, wasCounted, wasParsed: this.#wasParsed };
    const decision = authorizer.authorize(request);
    return decision instanceof Promise ? decision.then((late) => this.#settle(late)) : this.#settle(decision);
  }

  /** @throws Refusal if the operation was refused */
  #settle(decision: Decision): Promise<void> {
    this.#decision = decision;
    if (decision.outcome !== 'refused') return DONE;
    throw withHttp(decision.refusal, this.#shared.resourceMetadata());
  }

  /** Counts one request for a key's request that failed before its operation was counted. Never rejects. */
  async #countFailed(principal: AuthenticatedPrincipal): Promise<void> {
    const isRecorded = this.#decision?.outcome === 'refused';
    try {
      this.#failed = await this.#shared.authorizer.countFailed(principal, isRecorded);
    } catch (error) {
      // The limits are unavailable. The request was already refused.
      this.#shared.report(error, { principal });
    }
  }

  responseForOperation(given: Reading): Promise<GraphQLResponse | null> {
    const asked = operationOf(given);
    const data = asked && this.#shared.authorizer.readSchema({ ...asked, principal: principalIn(given.contextValue) });
    if (data === null) return NOT_PREPARED;
    this.#isPrepared = true;
    return Promise.resolve({
      http: { headers: new HeaderMap() },
      body: { kind: 'single', singleResult: { data } },
    });
  }

  didEncounterErrors({
    errors,
    contextValue,
    logger,
  }: GraphQLRequestContextDidEncounterErrors<LatchkeyContext>): Promise<void> {
    let reported = 0;
    for (const error of errors) {
      settle(error);
      const kept = untold(error);
      if (kept === undefined || reported >= MAX_ERRORS) continue;
      // As many as the response has: a fault in a list can repeat thousands of times.
      reported += 1;
      this.#shared.report(kept, contextValue, logger);
    }
    return DONE;
  }

  willSendResponse(given: Answered): Promise<void> {
    const { principal, counted = false } = given.contextValue as Partial<LatchkeyContext>;
    const isCounted = counted || this.#decision?.isCounted === true;
    if (isCounted || !isPrincipal(principal) || principal.kind === 'anonymous') return this.#send(given);
    return this.#countFailed(principal).then(() => this.#send(given));
  }

  #send(given: Answered): Promise<void> {
    const { authorizer, limits } = this.#shared;
    const answer = boundAnswer(given, this.#shared.answer);
    const { principal: known } = answer.contextValue as Partial<LatchkeyContext>;
    const principal = isPrincipal(known) ? known : ANONYMOUS;
    setStatus(answer, this.#shared.resourceMetadata());
    tellOutcome(answer);
    capErrors(answer);
    const view = () => authorizer.readable(answer.schema, principal);
    retell(answer, view);
    const asked = this.#isPrepared ? null : operationOf(answer);
    if (asked !== null && authorizer.isToNarrow(asked)) narrow(answer, view());
    const style = this.#shared.rateLimitHeaders();
    const admission = this.#failed ?? this.#decision?.admission ?? null;
    if (admission !== null) {
      setLimitFields(answer, limitFields(admission, style, this.#decision?.creation));
      return DONE;
    }
    return standingLimits(principal, limits, style).then((fields) => {
      if (fields !== null) setLimitFields(answer, fields);
    });
  }
}

/** Returns the selected operation of a request; null if the document has none of that name, or was not parsed. */
function operationOf({ schema, document, operation, request }: Asked): Operation | null {
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
 * @returns the error to return instead of the response to the replacement; null: the request is unchanged
 */
function withoutLines(request: GraphQLRequest, max: number): GraphQLError | null {
  const error = request.query === undefined ? null : refuseLines(request.query, max);
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
