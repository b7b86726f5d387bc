import type { Reply } from './reply.js';

/** The cost of an operation, in cost units. */
export interface OperationCosts {
  readonly estimate: number;
  /** The cost of the response; null if the response has errors, or it was not measured, so that the estimate counts. */
  readonly actual: number | null;
}

/** Adds the cost to the extensions of a response. */
export function reportCost({ result }: Reply, cost: OperationCosts): void {
  if (result !== null) result.extensions = { ...result.extensions, cost };
}
