import { Refusal } from '../../errors/refusal.js';
import type { CompiledOperation } from '../compiledOperation.js';
import type { Variables } from './uses.js';

/** The number of fields that a message names. */
const NAMED = 3;

/** An operation with its estimate. */
interface Estimated {
  readonly compiled: Pick<CompiledOperation, 'weighed'>;
  readonly variables: Variables;
  /** In cost units. */
  readonly estimate: number;
}

/**
 * Returns the refusal of an operation whose cost is unknown or exceeds what one operation may cost; null if it does not.
 *
 * @param max in cost units
 */
export function refuseExpensive(
  { compiled: { weighed }, variables, estimate }: Estimated,
  max: number,
): Refusal | null {
  const unsized = weighed?.unsized(variables) ?? null;
  if (unsized !== null) {
    const { coordinate: field, names } = unsized;
    return new Refusal(
      `The length of ${field} is unknown, so the cost of the operation is unknown. Give exactly one of its arguments ${names.join(', ')}.`,
      { code: 'LIST_SIZE_REQUIRED', field, arguments: names },
    );
  }
  if (estimate <= max) return null;
  const dearest = weighed?.dearest(variables, NAMED) ?? [];
  const named = dearest.map(({ coordinate, cost }) => `${coordinate} (${Math.ceil(cost)})`).join(', ');
  return new Refusal(
    `The operation can cost ${estimate} units, more than the ${max} that one operation may cost. ${named === '' ? '' : `The most expensive fields are ${named}. `}Request shorter lists or fewer fields, or split the operation.`,
    { code: 'COST_EXCEEDED', cost: estimate, limit: max },
  );
}
