import { ANONYMOUS, type Principal } from '../../auth/principal.js';
import type { Decision } from '../authorize.js';
import type { Variables } from '../cost/uses.js';
import type { OperationCosts } from './costReport.js';
import type { Logger, RequestGuardOptions } from './requestGuardOptions.js';

type Allowed = Extract<Decision, { readonly outcome: 'allowed' }>;

/** The decision on an operation that has a cost. */
export type CostedDecision = Allowed & { readonly estimate: number };

interface PendingCostOptions {
  readonly decision: CostedDecision;
  /** The variables that the cost depends on. */
  readonly variables: Variables;
  readonly principal: Principal;
  readonly options: Pick<RequestGuardOptions, 'limits' | 'log' | 'report'>;
  readonly logger: Logger | undefined;
}

/** The cost of an allowed operation. Its estimate was taken from the limits. */
export class PendingCost {
  readonly #options: PendingCostOptions;
  #settled: OperationCosts | null = null;

  constructor(options: PendingCostOptions) {
    this.#options = options;
  }

  /**
   * Records the cost of the response, and gives back the difference to the estimate. Only the first call counts.
   *
   * @param data of the whole response; null if it has errors or is not known, so that the estimate counts. Otherwise an operation could
   * fail on purpose after its work was done
   */
  settle(data: Readonly<Record<string, unknown>> | null): OperationCosts {
    return (this.#settled ??= settleCost(this.#options, data));
  }
}

/** Settles the cost of an operation that is complete: see {@link PendingCost.settle}. Call it once. */
export function settleCost(
  { decision, variables, principal, options, logger }: PendingCostOptions,
  data: Readonly<Record<string, unknown>> | null,
): OperationCosts {
  const { estimate, admission, compiled } = decision;
  const { limits, log, report } = options;
  const actual = data === null ? null : (compiled.weighed?.measure(data, variables) ?? null);
  if (principal.kind !== 'anonymous') log.costed(principal, actual ?? estimate, compiled.counted);
  if (actual !== null && actual < estimate && admission !== null) {
    try {
      limits.giveBack?.(admission, estimate - actual);
    } catch (error) {
      // They stay taken until they expire.
      report(error, { principal: ANONYMOUS }, logger);
    }
  }
  return { estimate, actual };
}
