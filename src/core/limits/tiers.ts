import { TIERS, type Tier } from '../store/records.js';
import { isPlainObject, optionError, unknownOption } from '../../shared/optionChecks.js';
import { CATEGORIES, type Category } from './category.js';

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
  /** The number of active key families in a workspace, without those of {@link adminKeys}; null: unlimited. */
  readonly keys: number | null;
  /**
   * The number of active key families in a workspace that only have the scopes `admin` or `platform`; null: unlimited.
   */
  readonly adminKeys: number | null;
  /** The number of open streams of a key family. */
  readonly streams: number;
  /** Limits for each category of operations, in addition to those of the tier and never above them. */
  readonly categories: Readonly<Partial<Record<Category, WindowLimits>>>;
  /** The limits of all keys of an owner together; null: none. An owner is a user or an external ID. */
  readonly owner: WindowLimits | null;
  /** The limits of all keys of a project together; null: none. */
  readonly project: WindowLimits | null;
  /** The limits of all keys of a workspace together; null: none. */
  readonly workspace: WindowLimits | null;
  /** The limits of a key family in cost units; null: none. */
  readonly cost: CostLimits | null;
}

/** The cost units that a key family may use in any 60 seconds (`rate`) and in any one second (`burst`). */
export interface CostLimits extends WindowLimits {
  /** The cost units of one operation. */
  readonly max: number;
}

/**
 * The subject of a record of limits: a tier, callers without a key, the keys that a workspace creates and rotates, or the
 * tokens that a key verifies.
 */
export type LimitedAs = Tier | 'ANONYMOUS' | 'KEY_CREATION' | 'VERIFICATION';

const LIMITED_AS: readonly LimitedAs[] = Object.freeze([
  ...TIERS,
  'ANONYMOUS',
  'KEY_CREATION',
  'VERIFICATION',
] as const);

/**
 * The limits of each tier. `ANONYMOUS` has those of callers without a key, `KEY_CREATION` how many keys a workspace may
 * create and rotate, and `VERIFICATION` how many tokens a key may verify. Created by {@link tierTable}.
 *
 * @example
 * ```ts
 * import { tierTable, type TierTable } from 'latchkey';
 *
 * export const tiers: TierTable = tierTable({ FREE_TRIAL: { keys: 3 } });
 * ```
 */
export type TierTable = Readonly<Record<LimitedAs, TierLimits>>;

/**
 * The limits to replace, by tier. `categories` replaces all categories of the tier.
 *
 * @example
 * ```ts
 * import { tierTable, type TierOverrides } from 'latchkey';
 *
 * const overrides: TierOverrides = { STARTER: { rate: 60, burst: 5 } };
 * export const tiers = tierTable(overrides);
 * ```
 */
export type TierOverrides = Readonly<Partial<Record<LimitedAs, Readonly<Partial<TierLimits>>>>>;

const NONE: TierLimits['categories'] = Object.freeze({});

const NO_MORE = { owner: null, project: null, workspace: null, cost: null } as const;

function limits(
  [keys, adminKeys]: readonly [number | null, number | null],
  rate: number,
  burst: number,
  streams: number,
): TierLimits {
  return Object.freeze({ keys, adminKeys, rate, burst, streams, categories: NONE, ...NO_MORE });
}

/** The published limits. */
export const TIER_LIMITS: TierTable = Object.freeze({
  FREE_TRIAL: limits([1, 2], 20, 2, 1),
  STARTER: limits([1, 2], 30, 3, 2),
  GROWTH: limits([10, 10], 500, 25, 10),
  PROFESSIONAL: limits([25, 25], 1000, 50, 25),
  ENTERPRISE: limits([null, null], 5000, 100, 100),
  // Per network: see core/auth/networks.ts. Callers without a key have neither keys nor streams.
  ANONYMOUS: limits([1, 1], 120, 30, 1),
  // Per workspace, in created and rotated keys: see keyCreation.ts. At bcrypt cost 10 this is a quarter of a CPU core.
  KEY_CREATION: limits([1, 1], 300, 20, 1),
  // Per key family, in verified tokens: see verification.ts. A service that verifies a token per request needs many.
  VERIFICATION: limits([1, 1], 30_000, 1_000, 1),
});

/** The largest Int of GraphQL, because the API returns the limits. */
const HIGHEST = 2 ** 31 - 1;

/**
 * Creates a table of limits from the published ones.
 *
 * @param overrides the limits to replace
 * @throws TypeError that names the first invalid field, such as `tiers.GROWTH.categories.write.rate`
 * @example
 * ```ts
 * import { tierTable } from 'latchkey';
 *
 * export const tiers = tierTable({ GROWTH: { rate: 1_000, categories: { write: { rate: 100, burst: 5 } } } });
 * ```
 */
export function tierTable(overrides: TierOverrides = {}): TierTable {
  checkNames('tiers', overrides, LIMITED_AS);
  const entries = LIMITED_AS.map(
    (tier) => [tier, replaced(`tiers.${tier}`, TIER_LIMITS[tier], overrides[tier])] as const,
  );
  return Object.freeze(Object.fromEntries(entries) as Record<LimitedAs, TierLimits>);
}

/**
 * Checks that a value is a complete table of limits.
 *
 * @throws TypeError that names the first invalid field
 */
export function checkTierTable(table: unknown): asserts table is TierTable {
  checkNames('tiers', table, LIMITED_AS);
  for (const tier of LIMITED_AS) {
    const limits = (table as Record<LimitedAs, unknown>)[tier];
    if (limits === undefined) throw new TypeError(`tiers.${tier} is missing`);
    checkNames(`tiers.${tier}`, limits, Object.keys(TIER_LIMITS[tier]));
    for (const field of Object.keys(TIER_LIMITS[tier])) {
      if ((limits as Record<string, unknown>)[field] === undefined)
        throw new TypeError(`tiers.${tier}.${field} is missing`);
    }
  }
  tierTable(table as TierOverrides);
}

function replaced(path: string, published: TierLimits, fields: Partial<TierLimits> = {}): TierLimits {
  checkNames(path, fields, Object.keys(published));
  const { keys, adminKeys, rate, burst, streams, categories, ...more } = { ...published, ...given(fields) };
  for (const [name, count] of Object.entries({ keys, adminKeys })) {
    if (count !== null) checkCount(`${path}.${name}`, count, ', or null for no limit');
  }
  for (const [name, count] of Object.entries({ rate, burst, streams })) checkCount(`${path}.${name}`, count);
  return Object.freeze({
    keys,
    adminKeys,
    rate,
    burst,
    streams,
    categories: checked(`${path}.categories`, categories, { rate, burst }),
    owner: checkedPair(`${path}.owner`, more.owner),
    project: checkedPair(`${path}.project`, more.project),
    workspace: checkedPair(`${path}.workspace`, more.workspace),
    cost: checkedCost(`${path}.cost`, more.cost),
  });
}

function checkedPair(path: string, pair: WindowLimits | null): WindowLimits | null {
  if (pair === null) return null;
  checkNames(path, pair, ['rate', 'burst']);
  const { rate, burst } = pair;
  for (const [name, count] of Object.entries({ rate, burst })) checkCount(`${path}.${name}`, count);
  return Object.freeze({ rate, burst });
}

function checkedCost(path: string, cost: CostLimits | null): CostLimits | null {
  if (cost === null) return null;
  checkNames(path, cost, ['max', 'rate', 'burst']);
  const { max, rate, burst } = cost;
  for (const [name, count] of Object.entries({ max, rate, burst })) checkCount(`${path}.${name}`, count);
  return Object.freeze({ max, rate, burst });
}

function checked(path: string, categories: TierLimits['categories'], most: WindowLimits): TierLimits['categories'] {
  checkNames(path, categories, CATEGORIES);
  const entries = Object.entries(given(categories)).map(([category, pair]) => {
    checkNames(`${path}.${category}`, pair, Object.keys(most));
    for (const name of ['rate', 'burst'] as const) {
      const field = `${path}.${category}.${name}`;
      checkCount(field, pair[name]);
      if (pair[name] > most[name])
        throw optionError(field, pair[name], `an integer from 1 to ${most[name]}, the limit of the tier`);
    }
    return [category, Object.freeze({ rate: pair.rate, burst: pair.burst })] as const;
  });
  return Object.freeze(Object.fromEntries(entries));
}

/** Removes fields that are set to undefined. */
function given<T extends object>(fields: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function checkNames(path: string, value: unknown, known: readonly string[]): void {
  if (!isPlainObject(value)) throw optionError(path, value, `an object with ${known.join(', ')}`);
  for (const name of Object.keys(value)) if (!known.includes(name)) throw unknownOption(path, name, known);
}

function checkCount(path: string, value: unknown, or = ''): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= HIGHEST) return;
  throw optionError(path, value, `an integer from 1 to ${HIGHEST}${or}`);
}

/** Returns whether two records have the same limits. */
export function saysTheSame(a: TierLimits, b: TierLimits): boolean {
  if (a.keys !== b.keys || a.adminKeys !== b.adminKeys || a.streams !== b.streams || !isSame(a, b)) return false;
  if (a.cost?.max !== b.cost?.max) return false;
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
