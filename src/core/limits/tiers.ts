import { haveSameQuotas } from '../quotas/checkQuotas.js';
import type { Credits, Quota } from '../quotas/quota.js';
import type { Tier } from '../store/records.js';
import { CATEGORIES, type Category } from './category.js';
import { isOtherRow, type OtherRow, type PublishedTier } from './tierNames.js';

/** The units that a key family may use in any 60 seconds (`rate`) and in any one second (`burst`). */
export interface WindowLimits {
  readonly rate: number;
  readonly burst: number;
}

/**
 * The limits of a tier. There is one frozen record per tier, so that the record itself can be a cache key.
 *
 * @example
 * ```ts
 * import { tierTable, type TierLimits } from 'latchkey';
 *
 * export const growth: TierLimits = tierTable().GROWTH;
 * ```
 */
export interface TierLimits extends WindowLimits {
  /** The number of active key families in a workspace, without those of {@link adminKeys}; null if unlimited. */
  readonly keys: number | null;
  /**
   * The number of active key families in a workspace that only have the scopes `admin` or `platform`; null if unlimited.
   */
  readonly adminKeys: number | null;
  /** The number of open streams of a key family. */
  readonly streams: number;
  /** Limits for each category of operations, in addition to those of the tier and never above them. */
  readonly categories: Readonly<Partial<Record<Category, WindowLimits>>>;
  /** The limits of all keys of an owner together; null if none. An owner is a user or an external ID. */
  readonly owner: WindowLimits | null;
  /** The limits of all keys of a project together; null if none. */
  readonly project: WindowLimits | null;
  /** The limits of all keys of a workspace together; null if none. */
  readonly workspace: WindowLimits | null;
  /** The limits of a key family in cost units; null if none. */
  readonly cost: CostLimits | null;
  /** The units that subjects may use in an hour, a day or a month, in addition to the windows. */
  readonly quotas: readonly Quota[];
  /** The balance that requests are paid from in advance; null if none. */
  readonly credits: Credits | null;
  /** Earlier names of the tier. Workspaces that are stored with one of them have this tier. */
  readonly was?: readonly Tier[];
}

/** The cost units that a key family may use in any 60 seconds (`rate`) and in any one second (`burst`). */
export interface CostLimits extends WindowLimits {
  /** The cost units of one operation. */
  readonly max: number;
}

/**
 * The subject of a record of limits: a tier, callers without a key (`ANONYMOUS`), the keys that a workspace creates and
 * rotates (`KEY_CREATION`), or the tokens that a key verifies (`VERIFICATION`).
 */
export type LimitedAs = Tier;

/**
 * The limits of each tier, the smallest tier first. `ANONYMOUS` has those of callers without a key, `KEY_CREATION` how
 * many keys a workspace may create and rotate, and `VERIFICATION` how many tokens a key may verify. Created by
 * {@link tierTable}.
 *
 * @example
 * ```ts
 * import { tierTable, type TierTable } from 'latchkey';
 *
 * export const tiers: TierTable = tierTable({ FREE_TRIAL: { keys: 3 } });
 * ```
 */
export type TierTable = Readonly<Record<OtherRow, TierLimits>> & Readonly<Record<Tier, TierLimits>>;

/**
 * A table that has all published tiers.
 *
 * @example
 * ```ts
 * import { tierTable, type PublishedTiers } from 'latchkey';
 *
 * const tiers: PublishedTiers = tierTable({ GROWTH: { keys: 20 } });
 * console.info(tiers.GROWTH.keys);
 * ```
 */
export type PublishedTiers = TierTable & Readonly<Record<PublishedTier, TierLimits>>;

const NONE: TierLimits['categories'] = Object.freeze({});

/** The defaults of the limits that a new tier may leave out. */
export const OPTIONAL = {
  categories: NONE,
  owner: null,
  project: null,
  workspace: null,
  cost: null,
  quotas: Object.freeze<Quota[]>([]),
  credits: null,
} as const satisfies Partial<TierLimits>;

function limits(
  [keys, adminKeys]: readonly [number | null, number | null],
  rate: number,
  burst: number,
  streams: number,
): TierLimits {
  return Object.freeze({ keys, adminKeys, rate, burst, streams, ...OPTIONAL });
}

/** The published limits. */
export const TIER_LIMITS: PublishedTiers = Object.freeze({
  FREE_TRIAL: limits([1, 2], 20, 2, 1),
  STARTER: limits([1, 2], 30, 3, 2),
  GROWTH: limits([10, 10], 500, 25, 10),
  PROFESSIONAL: limits([25, 25], 1000, 50, 25),
  ENTERPRISE: limits([null, null], 5000, 100, 100),
  // Per network: see core/auth/networks.ts. Callers without a key have neither keys nor streams.
  ANONYMOUS: limits([1, 1], 120, 30, 1),
  // Per workspace, in created and rotated keys: see keyCreation.ts. At bcrypt cost 10 this is a quarter of a CPU core.
  KEY_CREATION: limits([1, 1], 300, 20, 1),
  // Per key family, in verified tokens: see verification.ts. A service that verifies a token for each request needs a high limit.
  VERIFICATION: limits([1, 1], 30_000, 1_000, 1),
});

/** The message of an empty table. */
export const EMPTY = 'tiers: there is no tier. Define at least one.';

/** Returns the names of the tiers in a table, the smallest first. */
export function tiersIn(table: TierTable): readonly Tier[] {
  return Object.keys(table).filter((name) => !isOtherRow(name));
}

/**
 * Returns the tier that a stored name stands for: the tier with this name, or that had it earlier. A name that the table
 * doesn't know stands for the smallest tier, so that a workspace never gets more than was configured.
 */
export function tierOf(table: TierTable, stored: string): Tier {
  if (Object.hasOwn(table, stored) && !isOtherRow(stored)) return stored;
  const names = tiersIn(table);
  const renamed = names.find((name) => table[name]?.was?.includes(stored)) ?? names[0];
  if (renamed === undefined) throw new TypeError(EMPTY);
  return renamed;
}

/** Returns the tier of new workspaces, unless another one is set: GROWTH, or the smallest tier. */
export function defaultTierOf(table: TierTable): Tier {
  return tierOf(table, 'GROWTH');
}

/** Returns whether a table has a tier with this name, or that had it earlier. */
export function knowsTier(table: TierTable, stored: string): boolean {
  return tiersIn(table).some((name) => name === stored || table[name]?.was?.includes(stored) === true);
}

/**
 * Returns the limits of a tier or another row. The table may have changed since the name was read, so an unknown name is
 * resolved as {@link tierOf} does.
 */
export function rowOf(table: TierTable, name: LimitedAs): TierLimits {
  const limits = table[name];
  // Each admission comes here, and Object.hasOwn takes 10 times as long. An inherited property such as `toString` has no rate.
  if (limits?.rate !== undefined) return limits;
  const resolved = table[tierOf(table, name)];
  if (resolved === undefined) throw new TypeError(EMPTY);
  return resolved;
}

/** Replaces the content of a table that is shared by reference, in one step. */
export function replaceTable(table: TierTable, next: TierTable): void {
  // In the same order, which a new value for an existing name would not change.
  for (const name of Object.keys(table)) Reflect.deleteProperty(table, name);
  Object.assign(table, next);
}

/** Returns whether two records have the same limits. */
export function saysTheSame(a: TierLimits, b: TierLimits): boolean {
  if (a.keys !== b.keys || a.adminKeys !== b.adminKeys || a.streams !== b.streams || !isSame(a, b)) return false;
  if (a.cost?.max !== b.cost?.max || !haveSameQuotas(a, b)) return false;
  return (
    CATEGORIES.every((category) => isSame(a.categories[category], b.categories[category])) &&
    BESIDE.every((name) => isSame(a[name], b[name]))
  );
}

/** The limits of a tier that are not those of a key's requests. */
const BESIDE = ['owner', 'project', 'workspace', 'cost'] as const;

function isSame(a: WindowLimits | null | undefined, b: WindowLimits | null | undefined): boolean {
  return a?.rate === b?.rate && a?.burst === b?.burst;
}

/** Returns a frozen copy with every rate and burst replaced, including those of the categories, of shared windows and of the cost. */
export function scaled(limits: TierLimits, scale: (limit: number) => number): TierLimits {
  const both = ({ rate, burst }: WindowLimits) => Object.freeze({ rate: scale(rate), burst: scale(burst) });
  const categories = Object.entries(limits.categories).map(([category, pair]) => [category, both(pair)] as const);
  const beside = BESIDE.flatMap((name) => {
    const pair = limits[name];
    return pair === null ? [] : [[name, Object.freeze({ ...pair, ...both(pair) })] as const];
  });
  return Object.freeze({
    ...limits,
    ...both(limits),
    categories: Object.freeze(Object.fromEntries(categories)),
    ...Object.fromEntries(beside),
  });
}
