import { OperationTypeNode, type GraphQLError, type OperationDefinitionNode } from 'graphql';
import { ANONYMOUS, type AuthenticatedPrincipal, type LatchkeyContext, type Principal } from '../../auth/principal.js';
import { withHttp } from '../../errors/http.js';
import { settle, untold } from '../../errors/publicErrors.js';
import type { Refusal } from '../../errors/refusal.js';
import { limitFields } from '../../limits/limitFields.js';
import { standingLimits } from '../../limits/limitHeaders.js';
import type { Admission } from '../../limits/limits.js';
import type { Authorizer, Decision, OnDenied } from '../authorize.js';
import { isPrincipal, principalIn } from '../decide.js';
import type { Denied } from '../denied/denied.js';
import type { OperationRequest } from '../review.js';
import { variableErrors } from '../validVariables.js';
import { reportCost, type OperationCosts } from './costReport.js';
import { narrow } from './narrow.js';
import { tellOutcome } from './outcome.js';
import { PendingCost, settleCost, type CostedDecision } from './pendingCost.js';
import {
  addDenied,
  boundReply,
  capErrors,
  MAX_ERRORS,
  replaceResult,
  retell,
  setLimitFields,
  setStatus,
  type Reply,
} from './reply.js';
import type { Logger, RequestGuardOptions } from './requestGuardOptions.js';

/**
 * An operation of a valid document.
 *
 * @example
 * ```ts
 * import type { GuardedRequest, Operation } from 'latchkey/adapter';
 *
 * export const decide = (guarded: GuardedRequest, operation: Operation, context: object) =>
 *   guarded.authorize(operation, context);
 * ```
 */
export type Operation = Omit<OperationRequest, 'principal'>;

/** How a server runs operations. */
interface Abilities {
  /** Whether it runs the {@link GuardedRequest.executable} part of an operation, and sets {@link GuardedRequest.wasExecuted}. */
  readonly canFilter?: boolean;
  /** How it handles denied fields. Default: the option `onDenied`. */
  readonly onDenied?: OnDenied;
}

/**
 * One request of a GraphQL server, from its operation to its response.
 *
 * @example
 * ```ts
 * import type { Latchkey } from 'latchkey';
 * import type { GuardedRequest } from 'latchkey/adapter';
 *
 * export const begin = ({ requests }: Latchkey): GuardedRequest => requests.begin();
 * ```
 */
export class GuardedRequest {
  readonly #authorizer: Authorizer;
  readonly #options: RequestGuardOptions;
  readonly #logger: Logger | undefined;
  /** null if the operation was not checked yet. */
  #decision: Decision | null = null;
  /** The operation that was checked. */
  #operation: OperationDefinitionNode | null = null;
  /** Its variables. */
  #variables: Readonly<Record<string, unknown>> = {};
  /** The windows from which the request was taken as a failed one. */
  #failed: Admission | null = null;
  /** Was the response prepared from the caller's view of the schema? */
  #isPrepared = false;
  /** Whether the document was parsed for this request instead of being found in a cache. Set it before {@link authorize}. */
  wasParsed = false;
  /** Whether the operation was executed, rather than another plugin providing the response. Only used for operations with denied fields. */
  wasExecuted = false;

  constructor(authorizer: Authorizer, options: RequestGuardOptions, logger: Logger | undefined) {
    this.#authorizer = authorizer;
    this.#options = options;
    this.#logger = logger;
  }

  /** Whether an operation was authorized and may run. If not, the server must not send any data. */
  get isAllowed(): boolean {
    return this.#decision !== null && this.#decision.outcome !== 'refused';
  }

  /**
   * Decides whether an operation may run, and counts it. Call it before any resolver runs.
   *
   * @param context of the request, from `latchkey.context`
   * @returns null if it may run; otherwise the error to send, with `extensions.http`. Not a promise if the limits are
   * counted in this process. Never rejects.
   */
  authorize(
    operation: Operation,
    context: unknown,
    { canFilter = false, onDenied }: Abilities = {},
  ): Refusal | null | Promise<Refusal | null> {
    const authorizer = this.#authorizer;
    let principal: Principal;
    try {
      principal = principalIn(context);
    } catch (error) {
      return this.#settle(authorizer.refuse(null, error));
    }
    this.#operation = operation.operation;
    this.#variables = operation.variables;
    const wasCounted = (context as LatchkeyContext).counted === true;
    const decision = authorizer.authorize({
      schema: operation.schema,
      source: operation.source,
      document: operation.document,
      operation: operation.operation,
      variables: operation.variables,
      principal,
      wasCounted,
      wasParsed: this.wasParsed,
      canFilter,
      onDenied: onDenied ?? this.#options.onDenied,
    });
    return decision instanceof Promise ? decision.then((late) => this.#settle(late)) : this.#settle(decision);
  }

  /** The fields of an allowed operation that must not run; null if the operation may run as it is. */
  get denied(): Denied | null {
    return this.#decision?.outcome === 'allowed' ? this.#decision.denied : null;
  }

  /** Returns what to execute of an allowed operation: the operation itself, or without its {@link denied} fields. */
  executable<Given extends Pick<Operation, 'document' | 'operation'>>(given: Given): Given {
    const { denied } = this;
    return denied === null ? given : { ...given, document: denied.document, operation: denied.operation };
  }

  #settle(decision: Decision): Refusal | null {
    this.#decision = decision;
    return decision.outcome === 'refused' ? withHttp(decision.refusal, this.#options.resourceMetadata()) : null;
  }

  /**
   * Returns the errors of an operation whose variables are invalid; null if they fit. For servers that report more than
   * one of them. Call it after {@link authorize} has allowed the operation.
   */
  variableErrors({ schema, operation, variables }: Omit<Operation, 'source'>, context: unknown) {
    // The variables of a key's request were checked before it was counted.
    const isChecked = this.#decision?.outcome === 'allowed' && principalIn(context).kind !== 'anonymous';
    return isChecked ? null : variableErrors(schema, operation, variables);
  }

  /**
   * Returns whether the variables of the operation are invalid. Its execution then fails before any resolver runs, with errors that say so.
   */
  get isInvalid(): boolean {
    return this.#decision?.outcome === 'invalid';
  }

  /** Returns the data of an allowed operation that only reads the schema; null: execute the operation. */
  readSchema(operation: Omit<Operation, 'source'>, context: unknown): Record<string, unknown> | null {
    const decision = this.#decision;
    if (decision?.outcome === 'allowed' && !decision.compiled.introspects) {
      if (operation.operation === (decision.denied?.operation ?? this.#operation)) return null;
    }
    const data = this.#authorizer.readSchema({ ...operation, principal: principalIn(context) });
    this.#isPrepared = data !== null;
    return data;
  }

  /** Logs the details of these errors that the response hides, and sets the code of each. Call it before they are formatted. */
  tell(errors: readonly GraphQLError[], context: unknown): void {
    let reported = 0;
    for (const error of errors) {
      settle(error);
      const kept = untold(error);
      if (kept === undefined || reported >= MAX_ERRORS) continue;
      // Limited to the errors in the response, because an error in a list can repeat thousands of times.
      reported += 1;
      this.#options.report(kept, contextIn(context), this.#logger);
    }
  }

  /**
   * Completes a response: bounds it, sets its status and header fields, and removes what its caller may not read of the
   * schema. Counts a request that failed before its operation was counted.
   *
   * @returns not a promise for an operation whose limits are counted in this process
   */
  finish(reply: Reply): void | Promise<void> {
    const { principal, counted = false } = contextIn(reply.context);
    const isCounted = counted || this.#decision?.isCounted === true;
    if (isCounted || principal.kind === 'anonymous') return this.#complete(reply, principal);
    return this.#countFailed(principal).then(() => this.#complete(reply, principal));
  }

  /** Counts one request for a key's request that failed before its operation was counted. Never rejects. */
  async #countFailed(principal: AuthenticatedPrincipal): Promise<void> {
    const isRecorded = this.#decision?.outcome === 'refused';
    try {
      this.#failed = await this.#authorizer.countFailed(principal, isRecorded);
    } catch (error) {
      // The limits are unavailable. The request was already refused.
      this.#options.report(error, { principal }, this.#logger);
    }
  }

  /**
   * Returns the cost of an allowed operation; null if it has none, costs are off, or it is a subscription, which pays for each event. For a
   * server that runs operations elsewhere, whose replies have
   * {@link Reply.isForwarded}: settle it when the response is complete, or is known to be lost.
   */
  costOf(principal: Principal): PendingCost | null {
    const decision = this.#costed();
    return decision && new PendingCost(this.#costOptions(decision, principal));
  }

  /** Returns the decision on an operation that pays when it is complete; null if it doesn't. */
  #costed(): CostedDecision | null {
    const decision = this.#decision;
    if (decision?.outcome !== 'allowed' || decision.estimate === null) return null;
    if (this.#operation?.operation === OperationTypeNode.SUBSCRIPTION) return null;
    return decision as CostedDecision;
  }

  #costOptions(decision: CostedDecision, principal: Principal) {
    return { decision, variables: this.#variables, principal, options: this.#options, logger: this.#logger };
  }

  #settleCost({ result, errors, isForwarded = false }: Reply, principal: Principal): OperationCosts | null {
    const decision = isForwarded ? null : this.#costed();
    if (decision === null) return null;
    const isWhole = result?.data != null && result.errors === undefined && (errors ?? []).length === 0;
    return settleCost(this.#costOptions(decision, principal), isWhole ? (result.data ?? null) : null);
  }

  #complete(reply: Reply, principal: Principal): void | Promise<void> {
    const authorizer = this.#authorizer;
    const { answer, limits, resourceMetadata, rateLimitHeaders } = this.#options;
    boundReply(reply, answer);
    const { denied } = this;
    // A cache may have answered with the fields of another caller (B32).
    if (denied !== null && !this.wasExecuted && !this.#isPrepared) replaceResult(reply, denied.refusal);
    const cost = this.#settleCost(reply, principal);
    if (reply.errors !== undefined) setStatus(reply, resourceMetadata());
    if (denied !== null) addDenied(reply, denied, answer);
    tellOutcome(reply);
    capErrors(reply);
    const view = () => authorizer.readable(reply.schema, principal);
    retell(reply, view);
    const { schema, document, operation, variables = {} } = reply;
    if (!this.#isPrepared && document !== undefined && operation != null) {
      if (authorizer.isToNarrow({ schema, document, operation, variables })) narrow(reply, view());
    }
    if (cost !== null && contextIn(reply.context).reportsCost === true) reportCost(reply, cost);
    const style = rateLimitHeaders();
    const admission = this.#failed ?? this.#decision?.admission ?? null;
    if (admission !== null) {
      setLimitFields(reply, limitFields(admission, style, this.#decision?.creation));
      return;
    }
    return standingLimits(principal, limits, style).then((fields) => {
      if (fields !== null) setLimitFields(reply, fields);
    });
  }
}

/** Returns the context of a request, or an anonymous caller's context if it could not be created. */
function contextIn(context: unknown): LatchkeyContext {
  const given = (context ?? {}) as Partial<LatchkeyContext>;
  return isPrincipal(given.principal) ? (given as LatchkeyContext) : { ...given, principal: ANONYMOUS };
}
