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
} from '../credentials/principal.js';
import { refuseLargeReading } from '../guard/answer/judge.js';
import { ANSWER_LIMITS, type AnswerLimits } from '../guard/answer/limits.js';
import { subjectOf } from '../credentials/networks.js';
import { decide, isPrincipal, principalIn } from '../guard/decide.js';
import { assertGuarded } from '../guard/guard.js';
import { MAX_LINES, refuseLines } from '../guard/lines.js';
import { OperationCompiler, type CompiledOperation } from '../guard/operation.js';
import { markServed } from '../guard/served.js';
import { refuseUntrusted } from '../guard/trustedDocuments.js';
import { limitFields, type RateLimitHeaders } from '../limits/fields.js';
import { creationRefusal, creationSubject } from '../limits/keyCreation.js';
import type { Admission, Limits, Subject } from '../limits/limits.js';
import { restOf } from '../limits/rest.js';
import { refusalOf, refuseTooCostly } from '../limits/refuse.js';
import { checkOptions, pluginSchema } from '../libraryOptions.js';
import { withHttp } from '../refusals/http.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { readable, refuseIntrospection, type Introspection } from '../guard/introspection.js';
import { boundAnswer, capErrors, retell, setLimitFields, setStatus, type Answered } from './answer.js';
import { settle, untold } from './errors.js';
import { standingLimits } from './limitHeaders.js';
import { narrow } from './narrow.js';
import { PreparedReadings } from './preparedReadings.js';
import { tellOutcome } from './outcome.js';
import { Verdicts, type VerdictsOptions } from './verdicts.js';

export interface PluginOptions extends VerdictsOptions {
  readonly limiter: Limits;
  /**
   * Who may read the schema by introspection; default `authenticated`. It decides where Apollo Server's own option
   * `introspection` is true (which it is not by itself under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
  /** Where the metadata of the resource is (RFC 9728), for challenges; null: nowhere. Default: nowhere. */
  readonly resourceMetadata?: () => string | null;
  /** How large the answer to one operation may be. Default: {@link ANSWER_LIMITS}. */
  readonly answer?: AnswerLimits;
  /** Lines that a document may have. Default: {@link MAX_LINES}. */
  readonly maxLines?: number;
  /** Which header fields report a key's limits. Default: `draft`. */
  readonly rateLimitHeaders?: () => RateLimitHeaders;
  /** Receives hidden errors, and the causes of refusals. Default: the `logger` of Apollo Server. */
  readonly log?: (error: unknown, context: LatchkeyContext) => void;
}

/** Of Apollo Server's logger, what the plugin uses. */
interface Logger {
  error(message: unknown): void;
}

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;
type Reading = GraphQLRequestContextResponseForOperation<LatchkeyContext>;

/**
 * Apollo Server waits for whatever a hook returns, and an async function makes a promise, and a turn, of its own at each
 * request. Most hooks have nothing to wait for.
 */
const DONE = Promise.resolve();
const NOT_PREPARED = Promise.resolve(null);

/**
 * The plugin for Apollo Server: judges the selected operation before anything runs, holds the key's limits, and gives the
 * answer its status and header fields. A server whose schema {@link assertGuarded} does not pass will not start.
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  checkOptions('createPlugin', pluginSchema, options);
  const judge = new Judge(options);
  let logger: Logger | undefined;
  return {
    async serverWillStart(server) {
      judge.compilerOf(server.schema);
      logger = server.logger;
    },
    // Apollo Server logs nothing of this, and the answer does not say what went wrong.
    async contextCreationDidFail({ error }) {
      const kept = untold(error);
      if (kept !== undefined) judge.report(kept, { principal: ANONYMOUS }, logger);
    },
    requestDidStart: ({ request }) => Promise.resolve(new Request(judge, withoutLines(request, judge.maxLines))),
  };
}

/** What is the same for all requests. */
class Judge {
  readonly limits: Limits;
  readonly introspection: Introspection;
  readonly answer: AnswerLimits;
  readonly maxLines: number;
  readonly log: PluginOptions['log'];
  readonly verdicts: Verdicts;
  readonly readings = new PreparedReadings();
  readonly resourceMetadata: () => string | null;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  readonly #compilers = new WeakMap<GraphQLSchema, OperationCompiler>();

  constructor(options: PluginOptions) {
    const { limiter, introspection = 'authenticated', answer = ANSWER_LIMITS, maxLines = MAX_LINES, log } = options;
    const { resourceMetadata = () => null, rateLimitHeaders = () => 'draft' } = options;
    this.verdicts = new Verdicts(options);
    this.limits = limiter;
    this.introspection = introspection;
    this.answer = answer;
    this.maxLines = maxLines;
    this.log = log;
    this.resourceMetadata = resourceMetadata;
    this.rateLimitHeaders = rateLimitHeaders;
  }

  report(error: unknown, context: LatchkeyContext, logger: Logger | undefined): void {
    if (this.log !== undefined) this.log(error, context);
    else logger?.error(error);
  }

  compilerOf(schema: GraphQLSchema): OperationCompiler {
    let compiler = this.#compilers.get(schema);
    if (compiler === undefined) {
      this.#compilers.set(schema, (compiler = new OperationCompiler(schema, assertGuarded(schema))));
      markServed(schema);
    }
    return compiler;
  }

  /** @returns what the operation asks for; null for one that is not there to be run @throws Refusal */
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

  /** Returns what a caller who was let in reads of the schema, where the operation reads nothing else; else null. */
  prepared({ schema, document, operation: found, request, contextValue }: Reading): Record<string, unknown> | null {
    const { variables = {} } = request;
    // Apollo Server asks as well where the document has no operation of that name.
    const operation = found as typeof found | undefined;
    if (operation === undefined) return null;
    if (!this.compilerOf(schema).compile(document, operation, variables).introspects) return null;
    const view = readable(this.introspection, schema, principalIn(contextValue));
    return view && this.readings.answer(view, { document, operation, variables });
  }

  /** Does the answer hold what its caller may see only in part? */
  isToNarrow({ schema, document, operation, request }: Answered): boolean {
    if (this.introspection !== 'scoped' || document === undefined || operation == null) return false;
    return this.compilerOf(schema).compile(document, operation, request.variables ?? {}).introspects;
  }
}

/** One request, from its operation to its answer. */
class Request implements GraphQLRequestListener<LatchkeyContext> {
  readonly #judge: Judge;
  #admission: Admission | null = null;
  /** Of the keys that the operation creates. */
  #creation: Admission | null = null;
  /** Was the document parsed for this request, instead of found in the cache? */
  #isParsed = false;
  /** Was the request counted, or refused by the limits? */
  #isCounted = false;
  /** Was the operation refused, and noted as such? */
  #isRefused = false;
  /** Was the operation answered as its caller may read the schema? */
  #isPrepared = false;
  /** Why the document is not parsed. */
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
   * Takes the keys that the operation creates from its workspace's windows, and then its cost from those of its key. In this
   * order an operation that is refused for its keys takes nothing from the limits of the key, unless its document had to be
   * parsed. @throws Refusal
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
   * Takes the cost. An operation that can never pass takes one request, as any other that fails. So does one that is refused
   * for the moment, where its document was parsed: else a key could have any number of documents parsed that its limits then
   * refuse. The limits are asked once more after that, so that Retry-After includes it.
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

  /** Counts a request of a key that failed before its operation was counted: as one. Never rejects. */
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
      // Where limits are counted is away. The request is refused already.
      this.#judge.report(error, { principal }, undefined);
    }
  }

  /** One request of it was counted as it arrived, where the server does so. @throws Refusal */
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
    for (const error of errors) {
      settle(error);
      const kept = untold(error);
      if (kept !== undefined) this.#judge.report(kept, contextValue, logger);
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
   * Refuses an operation that the limits didn't admit. A request that could not be counted (503) is not counted later as a failed one,
   * because its caller should send it again. @throws Refusal, always
   */
  #refuseAdmission(principal: AuthenticatedPrincipal, error: unknown): never {
    if (error instanceof Refusal && error.details.code === 'UNAVAILABLE') this.#isCounted = true;
    return this.#refuse(principal, error);
  }

  /** B31: a guard that breaks lets nobody in. @throws Refusal, always */
  #refuse(principal: Principal | null, error: unknown): never {
    this.#isRefused = true;
    const refusal = error instanceof Refusal ? error : unavailable('The request could not be judged.', 1, error);
    this.#judge.verdicts.refused(principal, refusal);
    throw withHttp(refusal, this.#judge.resourceMetadata());
  }
}

/**
 * Takes a document with too many lines out of a request, before Apollo Server parses it.
 *
 * @returns the error that its caller gets in place of the answer to what stands there now; null: the request is as it was
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

/** Variables that do not fit are refused by the execution before anything runs. Such a request counts as one, whatever it asks for. */
function variablesFit({ schema, operation, request: { variables } }: Resolved): boolean {
  const definitions = operation?.variableDefinitions ?? [];
  if (definitions.length === 0) return true;
  return getVariableValues(schema, definitions, variables ?? {}, { maxErrors: 1 }).errors === undefined;
}
