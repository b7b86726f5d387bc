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
import { getVariableValues, type GraphQLError, type GraphQLSchema } from 'graphql';
import {
  ANONYMOUS,
  type AnonymousPrincipal,
  type AuthenticatedPrincipal,
  type LatchkeyContext,
  type Principal,
} from '../../core/auth/principal.js';
import { refuseLargeReading } from '../../core/guard/answer/largeReading.js';
import { ANSWER_LIMITS, type AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { subjectOf } from '../../core/auth/networks.js';
import { decide, isPrincipal, principalIn } from '../../core/guard/decide.js';
import { assertGuarded } from '../../core/guard/guard.js';
import { MAX_LINES, refuseLines } from '../../core/guard/lines.js';
import { OperationCompiler, type CompiledOperation } from '../../core/guard/compiledOperation.js';
import { printable } from '../../core/guard/printable.js';
import { markServed } from '../../core/guard/served.js';
import { refuseUntrusted } from '../../core/guard/trustedDocuments.js';
import { limitFields, RATE_LIMIT_HEADERS, type RateLimitHeaders } from '../../core/limits/limitFields.js';
import { creationRefusal, creationSubject } from '../../core/limits/keyCreation.js';
import { checkedLimits } from '../../core/limits/checked.js';
import type { Admission, Limits, Subject } from '../../core/limits/limits.js';
import { restOf } from '../../core/limits/rest.js';
import { refusalOf, refuseTooCostly } from '../../core/limits/refuse.js';
import { Callbacks } from '../../shared/callbacks.js';
import { checkOptions } from '../../core/util/checkOptions.js';
import { pluginSchema } from './pluginOptions.js';
import { containedObserver } from '../../core/observer/containedObserver.js';
import { noteAltered } from '../../shared/numbers/jsonNumbers.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { readable, refuseIntrospection, type Introspection } from '../../core/guard/introspection.js';
import { boundAnswer, capErrors, MAX_ERRORS, retell, setLimitFields, setStatus, type Answered } from './answer.js';
import { settle, untold } from './formatError.js';
import { standingLimits } from '../../core/limits/limitHeaders.js';
import { narrow } from './narrow.js';
import { PreparedReadings } from '../../core/guard/preparedReadings.js';
import { tellOutcome } from './outcome.js';
import { Verdicts, type VerdictsOptions } from '../../management/verdicts.js';

export interface PluginOptions extends VerdictsOptions {
  readonly limiter: Limits;
  /**
   * Which callers may read the schema by introspection; default `authenticated`. Only has an effect while Apollo Server's own
   * option `introspection` is true (its default is false under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
  /** The URL of the resource metadata (RFC 9728), for challenges; null: there is none. Default: none. */
  readonly resourceMetadata?: () => string | null;
  /** How large the response to one operation can be. Default: {@link ANSWER_LIMITS}. */
  readonly answer?: AnswerLimits;
  /** Maximum number of lines of a document. Default: {@link MAX_LINES}. */
  readonly maxLines?: number;
  /** Which header fields report a key's limits. Default: `draft`. */
  readonly rateLimitHeaders?: () => RateLimitHeaders;
  /** Receives hidden errors, and the causes of refusals. Default: the `logger` of Apollo Server. */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

/** The part of Apollo Server's logger that the plugin uses. */
interface Logger {
  error(message: unknown): unknown;
}

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;
type Reading = GraphQLRequestContextResponseForOperation<LatchkeyContext>;

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
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  checkOptions('createPlugin', pluginSchema, options);
  const judge = new Judge(options);
  return {
    async serverWillStart(server) {
      judge.compilerOf(server.schema);
      judge.logger = server.logger;
    },
    // Apollo Server doesn't log this, and the response does not contain the cause.
    async contextCreationDidFail({ error }) {
      const kept = untold(error);
      if (kept !== undefined) judge.report(kept, { principal: ANONYMOUS });
    },
    requestDidStart({ request }) {
      noteVariables(request);
      return Promise.resolve(new Request(judge, withoutLines(request, judge.maxLines)));
    },
  };
}

function isAddressOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isStyle(value: unknown): value is RateLimitHeaders {
  return (RATE_LIMIT_HEADERS as readonly unknown[]).includes(value);
}

/** State shared by all requests. */
class Judge {
  readonly limits: Limits;
  readonly introspection: Introspection;
  readonly answer: AnswerLimits;
  readonly maxLines: number;
  /** That of Apollo Server, from its start on. */
  logger: Logger | undefined;
  readonly #log: PluginOptions['log'];
  readonly #callbacks: Callbacks;
  readonly verdicts: Verdicts;
  readonly readings = new PreparedReadings();
  readonly resourceMetadata: () => string | null;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  readonly #compilers = new WeakMap<GraphQLSchema, OperationCompiler>();

  constructor(options: PluginOptions) {
    const { limiter, introspection = 'authenticated', answer = ANSWER_LIMITS, maxLines = MAX_LINES, log } = options;
    const { resourceMetadata = () => null, rateLimitHeaders = () => 'draft' } = options;
    const callbacks = new Callbacks('createPlugin', (fault) => this.#tell(fault, { principal: ANONYMOUS }));
    this.verdicts = new Verdicts({
      ...(options.usage && { usage: callbacks.containAll('usage', options.usage, ['admitted', 'refused']) }),
      ...(options.refusals && { refusals: callbacks.containAll('refusals', options.refusals, ['key']) }),
      observer: containedObserver(callbacks, options.observer),
    });
    this.#callbacks = callbacks;
    this.limits = checkedLimits('createPlugin: limiter', limiter);
    this.introspection = introspection;
    this.answer = answer;
    this.maxLines = maxLines;
    this.#log = log;
    this.resourceMetadata = () =>
      callbacks.ask('resourceMetadata', resourceMetadata, isAddressOrNull, 'a string or null', null);
    this.rateLimitHeaders = () =>
      callbacks.ask('rateLimitHeaders', rateLimitHeaders, isStyle, RATE_LIMIT_HEADERS.join(', '), 'draft');
  }

  report(error: unknown, context: LatchkeyContext, logger?: Logger): void {
    this.#callbacks.call('log', () => this.#tell(error, context, logger));
  }

  #tell(error: unknown, context: LatchkeyContext, logger = this.logger): unknown {
    const tell: (error: unknown, context: LatchkeyContext) => unknown = this.#log ?? ((fault) => logger?.error(fault));
    return tell(error, context);
  }

  compilerOf(schema: GraphQLSchema): OperationCompiler {
    let compiler = this.#compilers.get(schema);
    if (compiler === undefined) {
      this.#compilers.set(schema, (compiler = new OperationCompiler(schema, assertGuarded(schema))));
      markServed(schema);
    }
    return compiler;
  }

  /**
   * Authorizes an operation.
   *
   * @returns the compiled operation; null if the document does not contain it
   * @throws Refusal
   */
  judge({ schema, source, document, operation, request }: Resolved, principal: Principal): CompiledOperation | null {
    if (operation == null) return null;
    const { variables = {} } = request;
    const compiled = this.compilerOf(schema).compile(document, operation, variables);
    const refusal =
      refuseUntrusted(principal, source, document) ??
      decide(compiled.rules, principal) ??
      (compiled.introspects
        ? (refuseIntrospection(this.introspection, schema, principal, { document, operation, variables }) ??
          refuseLargeReading({ schema, document, operation, variables }, this.answer))
        : null);
    if (refusal !== null) throw refusal;
    return compiled;
  }

  /** Returns the introspection result for an authorized caller if the operation reads nothing else; otherwise null. */
  prepared({ schema, document, operation: found, request, contextValue }: Reading): Record<string, unknown> | null {
    const { variables = {} } = request;
    // Apollo Server calls the hook even if the document has no operation of that name.
    const operation = found as typeof found | undefined;
    if (operation === undefined) return null;
    if (!this.compilerOf(schema).compile(document, operation, variables).introspects) return null;
    const view = readable(this.introspection, schema, principalIn(contextValue));
    return view && this.readings.answer(view, { document, operation, variables });
  }

  /** Returns whether the response contains introspection results that the caller may see only in part. */
  isToNarrow({ schema, document, operation, request }: Answered): boolean {
    if (this.introspection !== 'scoped' || document === undefined || operation == null) return false;
    return this.compilerOf(schema).compile(document, operation, request.variables ?? {}).introspects;
  }
}

/** One request, from its operation to its response. */
class Request implements GraphQLRequestListener<LatchkeyContext> {
  readonly #judge: Judge;
  #admission: Admission | null = null;
  /** The admission of the keys that the operation creates. */
  #creation: Admission | null = null;
  /** Was the document parsed for this request instead of found in the cache? */
  #isParsed = false;
  /** Was the request counted, or refused by the limits? */
  #isCounted = false;
  /** Was the operation refused and recorded as such? */
  #isRefused = false;
  /** Was the response prepared from the caller's view of the schema? */
  #isPrepared = false;
  /** The reason why the document is not parsed. */
  readonly #tooLong: GraphQLError | null;

  constructor(judge: Judge, tooLong: GraphQLError | null) {
    this.#judge = judge;
    this.#tooLong = tooLong;
  }

  parsingDidStart(): Promise<void> {
    this.#isParsed = true;
    return DONE;
  }

  didResolveOperation(request: Resolved): Promise<void> {
    if (this.#tooLong !== null) throw this.#tooLong;
    shortenVariables(request);
    let principal: Principal | null = null;
    let compiled: CompiledOperation | null;
    try {
      principal = principalIn(request.contextValue);
      compiled = this.#judge.judge(request, principal);
      if (compiled === null) return DONE;
      if (principal.kind !== 'anonymous' && !variablesFit(request)) return DONE;
    } catch (error) {
      return this.#refuse(principal, error);
    }
    if (principal.kind === 'anonymous') return this.#admitAnonymous(principal, request, compiled);
    if (compiled.tokens > 0) return this.#admitCreation(principal, request, compiled);
    return this.#admitKey(principal, request, compiled);
  }

  #admitKey(principal: AuthenticatedPrincipal, request: Resolved, compiled: CompiledOperation): Promise<void> {
    try {
      const { cost, category } = compiled;
      const { familyId: family, tier } = principal;
      const { limits } = this.#judge;
      const rest = request.contextValue.counted === true ? restOf(limits.tiers[tier], category, cost) : cost;
      if (rest === 0) {
        this.#isCounted = true;
        this.#judge.verdicts.admitted(principal, cost, compiled.fields);
        return DONE;
      }
      const admission = this.#admit({ family, tier, category }, rest, request.contextValue.counted === true);
      if (!(admission instanceof Promise)) return this.#admitted(admission, principal, compiled);
      return admission
        .then((late) => this.#admitted(late, principal, compiled))
        .catch((error: unknown) => this.#refuseAdmission(principal, error));
    } catch (error) {
      return this.#refuseAdmission(principal, error);
    }
  }

  /**
   * Takes the keys that the operation creates from its workspace's windows, and then its cost from its key's windows.
   * In this order, an operation that is refused because of its keys costs the key nothing, unless its document had to
   * be parsed.
   *
   * @throws Refusal
   */
  async #admitCreation(
    principal: AuthenticatedPrincipal,
    request: Resolved,
    compiled: CompiledOperation,
  ): Promise<void> {
    const { limits } = this.#judge;
    const { familyId: family, tier } = principal;
    try {
      const creation = await limits.admit(creationSubject(principal), compiled.tokens);
      const refusal = creationRefusal(creation, compiled.tokens);
      this.#creation = creation;
      if (refusal !== null) {
        this.#isCounted = !this.#isParsed;
        this.#admission = {
          outcome: 'admitted',
          limits: limits.tiers[tier],
          room: await limits.peek({ family, tier }),
        };
        throw refusal;
      }
    } catch (error) {
      this.#refuseAdmission(principal, error);
    }
    await this.#admitKey(principal, request, compiled);
  }

  /**
   * Takes the cost of an operation. An operation that exceeds the limits by itself costs one request, like any other
   * failed request. An operation that is refused for now also does, if its document was parsed: otherwise a key could
   * cause any number of documents to be parsed. In that case the limits are checked again, so that Retry-After includes
   * this request.
   */
  #admit(subject: Subject, cost: number, isCounted: boolean): Admission | Promise<Admission> {
    const { limits } = this.#judge;
    const again = (first: Admission): Admission | Promise<Admission> => {
      if (isCounted || first.outcome === 'admitted' || (first.outcome === 'refused' && !this.#isParsed)) return first;
      const { family, tier } = subject;
      const taken = limits.admit({ family, tier }, 1);
      if (taken instanceof Promise) {
        return taken.then((one) => (one.outcome === 'admitted' ? limits.admit(subject, cost) : first));
      }
      return taken.outcome === 'admitted' ? limits.admit(subject, cost) : first;
    };
    const admission = limits.admit(subject, cost);
    return admission instanceof Promise ? admission.then(again) : again(admission);
  }

  /** Counts one request for a key's request that failed before its operation was counted. Never rejects. */
  async #countFailed({ contextValue }: Answered): Promise<void> {
    const { principal, counted = false } = contextValue as Partial<LatchkeyContext>;
    if (this.#isCounted || counted || !isPrincipal(principal) || principal.kind === 'anonymous') return;
    this.#isCounted = true;
    const { familyId: family, tier } = principal;
    try {
      const admission = await this.#judge.limits.admit({ family, tier }, 1);
      if (admission.outcome !== 'admitted') return;
      this.#admission = admission;
      if (!this.#isRefused) this.#judge.verdicts.failed(principal);
    } catch (error) {
      // The limits are unavailable. The request was already refused.
      this.#judge.report(error, { principal });
    }
  }

  /**
   * Takes the cost of an anonymous operation. The server may have counted one request when it arrived.
   *
   * @throws Refusal
   */
  async #admitAnonymous(
    principal: AnonymousPrincipal,
    { contextValue: { counted = false } }: Resolved,
    { cost }: CompiledOperation,
  ): Promise<void> {
    const { limits } = this.#judge;
    try {
      const subject = subjectOf(principal);
      const refusal =
        refuseTooCostly(limits.tiers.ANONYMOUS, cost) ??
        (subject === null || (counted && cost === 1)
          ? null
          : refusalOf((this.#admission = await limits.admit(subject, counted ? cost - 1 : cost)), cost, 'anonymous'));
      if (refusal !== null) throw refusal;
    } catch (error) {
      this.#refuse(principal, error);
    }
  }

  responseForOperation(request: Reading): Promise<GraphQLResponse | null> {
    const data = this.#judge.prepared(request);
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
      this.#judge.report(kept, contextValue, logger);
    }
    return DONE;
  }

  willSendResponse(given: Answered): Promise<void> {
    if (this.#isCounted || isAnonymous(given)) return this.#send(given);
    return this.#countFailed(given).then(() => this.#send(given));
  }

  #send(given: Answered): Promise<void> {
    const answer = boundAnswer(given, this.#judge.answer);
    const { principal: known } = answer.contextValue as Partial<LatchkeyContext>;
    const principal = isPrincipal(known) ? known : ANONYMOUS;
    setStatus(answer, this.#judge.resourceMetadata());
    tellOutcome(answer);
    capErrors(answer);
    const view = () => readable(this.#judge.introspection, answer.schema, principal);
    retell(answer, view);
    if (!this.#isPrepared && this.#judge.isToNarrow(answer)) narrow(answer, view());
    const style = this.#judge.rateLimitHeaders();
    if (this.#admission !== null) {
      setLimitFields(answer, limitFields(this.#admission, style, this.#creation));
      return DONE;
    }
    return standingLimits(principal, this.#judge.limits, style).then((fields) => {
      if (fields !== null) setLimitFields(answer, fields);
    });
  }

  /** @throws Refusal */
  #admitted(
    admission: Admission,
    principal: AuthenticatedPrincipal,
    { cost, fields }: CompiledOperation,
  ): Promise<void> {
    this.#admission = admission;
    this.#isCounted = true;
    const refusal = refusalOf(admission, cost);
    if (refusal !== null) throw refusal;
    this.#judge.verdicts.admitted(principal, cost, fields);
    return DONE;
  }

  /**
   * Refuses an operation that the limits didn't admit. A request that could not be counted (503) is not counted as a
   * failed one later, because its caller should send it again.
   *
   * @throws Refusal always
   */
  #refuseAdmission(principal: AuthenticatedPrincipal, error: unknown): never {
    if (error instanceof Refusal && error.details.code === 'UNAVAILABLE') this.#isCounted = true;
    return this.#refuse(principal, error);
  }

  /**
   * B31: refuses an operation. If the guard itself fails, nothing is allowed.
   *
   * @throws Refusal always
   */
  #refuse(principal: Principal | null, error: unknown): never {
    this.#isRefused = true;
    const refusal =
      error instanceof Refusal ? error : unavailable('The request could not be checked. Try again in 1 s.', 1, error);
    this.#judge.verdicts.refused(principal, refusal);
    throw withHttp(refusal, this.#judge.resourceMetadata());
  }
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

function isAnonymous({ contextValue }: Answered): boolean {
  const { principal } = contextValue as Partial<LatchkeyContext>;
  return !isPrincipal(principal) || principal.kind === 'anonymous';
}

/** Apollo Server executes the operation with the variables of the request, and prints them if they are wrong. */
function shortenVariables({ schema, operation, request }: Resolved): void {
  const { variables } = request;
  if (variables === undefined) return;
  const short = printable(schema, operation, variables);
  if (short !== variables) request.variables = short;
}

/**
 * Returns whether the variables are valid. Execution rejects invalid variables before any resolver runs, so that such a
 * request costs one, whatever its cost is.
 */
function variablesFit({ schema, operation, request: { variables } }: Resolved): boolean {
  const definitions = operation?.variableDefinitions ?? [];
  if (definitions.length === 0) return true;
  return getVariableValues(schema, definitions, variables ?? {}, { maxErrors: 1 }).errors === undefined;
}
