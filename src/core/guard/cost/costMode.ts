/**
 * The use of `@cost` and `@listSize`. `off`: they are not read. `measure`: the cost of operations is reported, and nothing is refused
 * because of it. `enforce`: the limits in cost units of a tier apply.
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore, type CostMode } from 'latchkey';
 *
 * const cost: CostMode = 'measure';
 * export const latchkey = await createLatchkey({ store: await openSqliteStore({ dir: './data' }), cost });
 * ```
 */
export type CostMode = (typeof COST_MODES)[number];

export const COST_MODES = ['off', 'measure', 'enforce'] as const;
