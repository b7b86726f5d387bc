import type { GraphQLSchema } from 'graphql';
import type { AuthenticatedPrincipal, Principal } from '../auth/principal.js';
import { Refusal, unavailable } from '../errors/refusal.js';
import type { Admission, Limits } from '../limits/limits.js';
import type { CostMode } from './cost/costMode.js';
import { unitsAtStart } from './cost/unitsAtStart.js';
import type { Variables } from './cost/uses.js';
import { subjectOfKey, withoutMeters } from '../limits/subjects.js';
import { chargeAnonymous, chargeKey, type Charge, type Chargeable } from './charge.js';
import { decide, meets } from './decide.js';
import { Denied } from './denied/denied.js';
import { withoutDenied, type AllowedPart } from './denied/withoutDenied.js';
import { assertGuarded } from './guard.js';
import { readable } from './introspection.js';
import { OperationCompiler, type CompiledOperation, type CountedOperation } from './compiledOperation.js';
import { PreparedReadings } from './preparedReadings.js';
import { markServed } from './served.js';
import { firstRefusal, type OperationRequest, type ReviewOptions } from './review.js';
import { variableErrors } from './validVariables.js';

/** Receives each decision, for usage, audit log and metrics. Its methods are synchronous and don't throw. */
export interface DecisionLog {
  /**
   * @param cost in requests
   * @param operation null if the request is not a GraphQL operation
   */
  admitted(principal: AuthenticatedPrincipal, cost: number, operation: CountedOperation | null): void;
  /**
   * Records the cost of an admitted operation when its response is complete.
   *
   * @param units in cost units
   */
  costed(principal: AuthenticatedPrincipal, units: number, operation: CountedOperation): void;
  /** Records a request that failed before its operation was checked. Such a request counts as one. */
  failed(principal: AuthenticatedPrincipal): void;
  /**
   * @param principal null if authentication failed
   * @param operation absent or null if it is unknown, or the request is not a GraphQL operation
   */
  refused(principal: Principal | null, refusal: Refusal, operation?: CountedOperation | null): void;
}

/**
 * The response to an operation with fields that its caller may not use. `refuse`: a refusal, and nothing runs. `filter`: return the other
 * fields, and null with an error for these.
 */
export type OnDenied = (typeof ON_DENIED)[number];

export const ON_DENIED = ['refuse', 'filter'] as const;

interface AuthorizerOptions extends ReviewOptions {
  readonly limits: Limits;
  readonly log: DecisionLog;
  /** Default: `refuse`. */
  readonly onDenied?: OnDenied;
  /** Default: `enforce`. */
  readonly cost?: CostMode;
}

/** A request to decide on. */
interface AuthorizationRequest extends OperationRequest, Omit<Chargeable, 'compiled' | 'estimate' | 'units'> {
  /** Whether the server runs {@link Denied.document} in place of the operation. Default: false, so that it is refused. */
  readonly canFilter?: boolean;
  /** Default: the option of the server. */
  readonly onDenied?: OnDenied;
}

/**
 * Whether an operation may run.
 *
 * - `allowed`: run it, or the operation in `denied` if that is not null.
 * - `invalid`: its variables are invalid. Execution fails before any resolver runs, with errors for the caller, so it costs one request
 * instead of the operation's cost.
 * - `refused`: send the refusal. Nothing may run (B26, B27, B28).
 */
export type Decision = Allowed | Invalid | Refused;

interface Allowed extends Omit<Charge, 'refusal'> {
  readonly outcome: 'allowed';
  readonly compiled: CompiledOperation;
  /** The fields that must not run; null if the operation may run as it is. */
  readonly denied: Denied | null;
  /** The estimate in cost units; null if the schema has no cost directives, or they are not used. */
  readonly estimate: number | null;
}

interface Invalid extends Omit<Charge, 'refusal'> {
  readonly outcome: 'invalid';
}

interface Refused extends Charge {
  readonly outcome: 'refused';
  readonly refusal: Refusal;
}

/** The number of parts of one operation that are cached. */
const MAX_PARTS = 4;

const UNCHARGED = Object.freeze({ admission: null, creation: null, isCounted: false });
const INVALID: Decision = Object.freeze({ outcome: 'invalid', ...UNCHARGED });

/**
 * Decides which operations run: the only place that combines trusted documents, access rules, introspection, cost and
 * limits. Every adapter asks it, and none decides by itself.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #compilers = new WeakMap<GraphQLSchema, OperationCompiler>();
  /** The compiler of the last schema, because most servers have one. */
  #last: { readonly schema: GraphQLSchema; readonly compiler: OperationCompiler } | null = null;
  readonly #readings = new PreparedReadings();
  /** By operation, the parts of it that run, by the rules that are not met. */
  readonly #parts = new WeakMap<CompiledOperation, Map<string, AllowedPart | null>>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /**
   * Prepares the checks of a schema, at the start of a server.
   *
   * @throws GuardError if {@link assertGuarded} rejects the schema
   */
  prepare(schema: GraphQLSchema): OperationCompiler {
    if (this.#last?.schema === schema) return this.#last.compiler;
    let compiler = this.#compilers.get(schema);
    if (compiler === undefined) {
      this.#compilers.set(
        schema,
        (compiler = new OperationCompiler(schema, assertGuarded(schema), this.#options.cost !== 'off')),
      );
      markServed(schema);
    }
    this.#last = { schema, compiler };
    return compiler;
  }

  /**
   * Decides on an operation, and counts it. Does not throw: if a check itself fails, the operation is refused (B31).
   * Returns without a promise if the limits are counted in this process.
   */
  authorize(request: AuthorizationRequest): Decision | Promise<Decision> {
    const { principal } = request;
    try {
      const compiled = this.#compile(request);
      const refusal = firstRefusal(request, compiled, this.#options);
      if (refusal !== null) {
        return (
          this.#filter(request, compiled, refusal) ?? this.#refused(principal, refusal, UNCHARGED, compiled.counted)
        );
      }
      if (principal.kind !== 'anonymous' && !variablesFit(request)) return INVALID;
      return this.#charge(request, compiled);
    } catch (error) {
      return this.refuse(principal, error);
    }
  }

  /** Decides on the part of a refused operation that its caller may run; null if the whole operation is refused. */
  #filter(
    request: AuthorizationRequest,
    compiled: CompiledOperation,
    refusal: Refusal,
  ): Decision | Promise<Decision> | null {
    const { principal, canFilter = false, onDenied = this.#options.onDenied } = request;
    if (!canFilter || onDenied !== 'filter') return null;
    if (decide(compiled.rules, principal) === null) return null;
    const part = this.#partOf(request, compiled);
    if (part === null) return null;
    const { document, operation } = part;
    const rest = { ...request, document, operation };
    const restCompiled = this.#compile(rest);
    // Repeats all checks, because the document might not be trusted, and the remaining part must meet every rule.
    if (firstRefusal(rest, restCompiled, this.#options) !== null) return null;
    if (principal.kind !== 'anonymous' && !variablesFit(rest)) return INVALID;
    return this.#charge(rest, restCompiled, new Denied(part, principal, refusal));
  }

  #partOf(request: OperationRequest, compiled: CompiledOperation): AllowedPart | null {
    const { rules } = this.prepare(request.schema);
    // Which fields use an argument depends on the variables.
    if (compiled.inputs !== null) return withoutDenied(request, rules);
    let parts = this.#parts.get(compiled);
    if (parts === undefined) this.#parts.set(compiled, (parts = new Map<string, AllowedPart | null>()));
    const key = compiled.rules.map((rule) => Number(meets(request.principal, rule))).join('');
    let part = parts.get(key);
    if (part === undefined) {
      part = withoutDenied(request, rules);
      if (parts.size < MAX_PARTS) parts.set(key, part);
    }
    return part;
  }

  /**
   * Returns why an operation that was allowed before may not continue, for the same caller or another one; null if it may.
   * Counts nothing.
   */
  review(request: OperationRequest): Refusal | null {
    return firstRefusal(request, this.#compile(request), this.#options);
  }

  /** Records and returns the refusal of a request. @param principal null if unknown, because authentication failed */
  refuse(principal: Principal | null, error: unknown): Refused {
    return this.#refused(principal, error, UNCHARGED);
  }

  /**
   * Counts one request that failed before its operation was counted.
   *
   * @param isRecorded whether it was recorded as refused
   * @returns null if it does not fit in the key's windows
   * @throws Refusal UNAVAILABLE if the limits can't be checked
   */
  async countFailed(principal: AuthenticatedPrincipal, isRecorded: boolean): Promise<Admission | null> {
    const { limits } = this.#options;
    const admission = await limits.admit(withoutMeters(subjectOfKey(principal, limits.tiers)), 1);
    if (admission.outcome !== 'admitted') return null;
    if (!isRecorded) this.#options.log.failed(principal);
    return admission;
  }

  /** Returns the part of the schema that a caller may read; null if the caller may not read any of it. */
  readable(schema: GraphQLSchema, principal: Principal): GraphQLSchema | null {
    return readable(this.#options.introspection, schema, principal);
  }

  /** Returns the result of an allowed operation that only reads the schema; null if the operation must be executed. */
  readSchema(request: Omit<OperationRequest, 'source'>): Record<string, unknown> | null {
    if (!this.#compile(request).introspects) return null;
    const view = this.readable(request.schema, request.principal);
    return view && this.#readings.answer(view, request);
  }

  /** Returns whether the result of an allowed operation has parts of the schema that its caller may not read. */
  isToNarrow(request: Omit<OperationRequest, 'source' | 'principal'>): boolean {
    return this.#options.introspection === 'scoped' && this.#compile(request).introspects;
  }

  #compile({
    schema,
    document,
    operation,
    variables,
  }: Pick<OperationRequest, 'schema' | 'document' | 'operation' | 'variables'>): CompiledOperation {
    return this.prepare(schema).compile(document, operation, variables);
  }

  get #isEnforced(): boolean {
    return (this.#options.cost ?? 'enforce') === 'enforce';
  }

  /** Returns the cost units that an operation takes; null if limits in cost units don't apply. */
  unitsOf({ cost, weighed }: Pick<CompiledOperation, 'cost' | 'weighed'>, variables: Variables): number | null {
    return this.#isEnforced ? (weighed?.estimate(variables) ?? cost) : null;
  }

  #charge(
    request: AuthorizationRequest,
    compiled: CompiledOperation,
    denied: Denied | null = null,
  ): Decision | Promise<Decision> {
    const { principal, variables, wasCounted, wasParsed } = request;
    const { limits } = this.#options;
    try {
      const estimate = compiled.weighed === null ? null : compiled.weighed.estimate(variables);
      const units = this.#isEnforced ? (estimate ?? compiled.cost) : null;
      const atStart = units === null ? null : unitsAtStart(request.operation, units);
      const given = { compiled, variables, estimate: units, units: atStart, wasCounted, wasParsed };
      const run = { compiled, denied, estimate };
      const charge =
        principal.kind === 'anonymous'
          ? chargeAnonymous(limits, principal, given)
          : chargeKey(limits, principal, given);
      if (!(charge instanceof Promise)) return this.#settle(principal, run, charge);
      return charge
        .then((late) => this.#settle(principal, run, late))
        .catch((error: unknown) => this.#refuseUncounted(principal, error, compiled.counted));
    } catch (error) {
      return this.#refuseUncounted(principal, error, compiled.counted);
    }
  }

  #settle(principal: Principal, run: Pick<Allowed, 'compiled' | 'denied' | 'estimate'>, charge: Charge): Decision {
    const { compiled, denied, estimate } = run;
    const { refusal, admission, creation, isCounted } = charge;
    const { cost, counted } = compiled;
    if (refusal !== null) return this.#refused(principal, refusal, { admission, creation, isCounted }, counted);
    if (principal.kind !== 'anonymous') this.#options.log.admitted(principal, cost, counted);
    return { outcome: 'allowed', compiled, denied, estimate, admission, creation, isCounted };
  }

  /** A request that can't be counted is not counted as a failed request later, because its caller should send it again. */
  #refuseUncounted(principal: Principal, error: unknown, operation: CountedOperation): Refused {
    const isCounted = error instanceof Refusal && error.details.code === 'UNAVAILABLE';
    return this.#refused(principal, error, { ...UNCHARGED, isCounted }, operation);
  }

  #refused(
    principal: Principal | null,
    error: unknown,
    charged: Omit<Charge, 'refusal'>,
    operation: CountedOperation | null = null,
  ): Refused {
    const refusal =
      error instanceof Refusal ? error : unavailable('The request could not be checked. Try again in 1 s.', 1, error);
    this.#options.log.refused(principal, refusal, operation);
    return { outcome: 'refused', refusal, ...charged };
  }
}

/** Returns whether the variables are valid. */
function variablesFit({ schema, operation, variables }: OperationRequest): boolean {
  return variableErrors(schema, operation, variables) === null;
}
