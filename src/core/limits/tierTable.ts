import { checkNames as checkOptions, isPlainObject, optionError, unknownOption } from '../../shared/optionChecks.js';
import { checkedCredits, checkedQuotas } from '../quotas/checkQuotas.js';
import type { Tier } from '../store/records.js';
import { CATEGORIES } from './category.js';
import {
  isOtherRow,
  isPublished,
  isTierName,
  MAX_TIERS,
  OTHER_ROWS,
  PUBLISHED_TIERS,
  TIER_NAME,
  type OtherRow,
  type PublishedTier,
} from './tierNames.js';
import {
  type CostLimits,
  EMPTY,
  type LimitedAs,
  OPTIONAL,
  type PublishedTiers,
  rowOf,
  TIER_LIMITS,
  type TierLimits,
  type TierTable,
  type WindowLimits,
} from './tiers.js';

/**
 * The limits to replace, by published tier. `categories` replaces all categories of the tier.
 *
 * @example
 * ```ts
 * import { tierTable, type TierOverrides } from 'latchkey';
 *
 * const overrides: TierOverrides = { STARTER: { rate: 60, burst: 5 } };
 * export const tiers = tierTable(overrides);
 * ```
 */
export type TierOverrides = Readonly<
  Partial<Record<PublishedTier | OtherRow, Readonly<Partial<Omit<TierLimits, 'was'>>>>>
>;

/**
 * The definition of a tier.
 *
 * @example
 * ```ts
 * import { tierTable, type TierDefinition } from 'latchkey';
 *
 * const hobby: TierDefinition = { was: 'STARTER', rate: 60 };
 * export const tiers = tierTable({ HOBBY: hobby });
 * ```
 */
export interface TierDefinition extends Readonly<Partial<Omit<TierLimits, 'was'>>> {
  /** The tier whose limits a new tier starts from: a published one, or one that is defined before it. Default: the published tier in `was`. */
  readonly from?: Tier;
  /** The earlier names of the tier. It takes their place, and workspaces that are stored with one of them have this tier. */
  readonly was?: Tier | readonly Tier[];
}

/**
 * Tiers by name, the smallest first. The limits of a published tier replace its published ones. Any other name is a new
 * tier: it has all limits, or `from` or `was`. null if the tier doesn't exist.
 *
 * @example
 * ```ts
 * import { tierTable, type TierDefinitions } from 'latchkey';
 *
 * const tiers: TierDefinitions = { FREE_TRIAL: null, HOBBY: { was: 'STARTER' }, MAX: { from: 'ENTERPRISE', rate: 9_000 } };
 * export const table = tierTable(tiers);
 * ```
 */
export type TierDefinitions = Readonly<Record<string, TierDefinition | null | undefined>>;

/**
 * The options of `tierTable`.
 *
 * @example
 * ```ts
 * import { tierTable, type TierTableOptions } from 'latchkey';
 *
 * const options: TierTableOptions = { published: false };
 * export const tiers = tierTable({ FREE: { keys: 2, adminKeys: 2, rate: 60, burst: 5, streams: 1 } }, options);
 * ```
 */
export interface TierTableOptions {
  /** Whether the published tiers exist that the definitions don't name. @default true */
  readonly published?: boolean;
}

const FIELDS: readonly string[] = Object.keys(TIER_LIMITS.GROWTH);

/** The largest Int of GraphQL, because the API returns the limits. */
const HIGHEST = 2 ** 31 - 1;

/**
 * Creates a table of limits from the published ones. Tiers are ordered by size: published tiers keep their order, and a new tier comes
 * after the tier above it in `definitions`, or takes the place of the tier named by `was`.
 *
 * @param definitions the tiers to change, add, rename and remove
 * @throws TypeError that names the first invalid field, such as `tiers.GROWTH.categories.write.rate`
 * @example
 * ```ts
 * import { tierTable } from 'latchkey';
 *
 * export const tiers = tierTable({ GROWTH: { rate: 1_000, categories: { write: { rate: 100, burst: 5 } } } });
 * ```
 */
export function tierTable(definitions?: TierOverrides): PublishedTiers;
export function tierTable(definitions: TierDefinitions, options?: TierTableOptions): TierTable;
export function tierTable(definitions: TierDefinitions = {}, options: TierTableOptions = {}): TierTable {
  checkOptions('tierTable: options', options, ['published']);
  const { published = true } = options;
  if (typeof published !== 'boolean') throw optionError('tierTable: options.published', published, 'true or false');
  if (!isPlainObject(definitions)) throw optionError('tiers', definitions, 'an object with limits by tier');
  checkTierNames(definitions);
  const renamed = renamesOf(definitions);
  const rows = new Rows(definitions);
  const tiers = orderOf(definitions, published)
    .filter((name) => definitions[name] !== null && !renamed.has(name))
    .map((name) => [name, rows.of(name)] as const);
  if (tiers.length === 0) throw new TypeError(EMPTY);
  if (tiers.length > MAX_TIERS) throw new TypeError(`tiers has ${tiers.length} tiers. Allowed: at most ${MAX_TIERS}.`);
  const others = OTHER_ROWS.map((name) => [name, rows.of(name)] as const);
  return Object.freeze(Object.fromEntries<TierLimits>([...tiers, ...others])) as unknown as TierTable;
}

/**
 * Checks that a value is a complete table of limits.
 *
 * @throws TypeError that names the first invalid field
 */
export function checkTierTable(table: unknown): asserts table is TierTable {
  if (!isPlainObject(table)) throw optionError('tiers', table, 'an object with limits by tier');
  for (const name of OTHER_ROWS) if (!Object.hasOwn(table, name)) throw new TypeError(`tiers.${name} is missing`);
  for (const [name, row] of Object.entries(table)) {
    checkKnown(`tiers.${name}`, row, [...FIELDS, 'was']);
    for (const field of FIELDS) {
      if ((row as Record<string, unknown>)[field] === undefined)
        throw new TypeError(`tiers.${name}.${field} is missing`);
    }
  }
  tierTable(table as TierDefinitions, { published: false });
}

function checkTierNames(definitions: object): void {
  for (const name of Object.keys(definitions)) {
    if (!isOtherRow(name) && !isTierName(name)) throw optionError('tiers: the name of a tier', name, TIER_NAME);
  }
}

/** Returns the earlier names of all tiers, with their new ones. @throws TypeError if one of them is ambiguous */
function renamesOf(definitions: TierDefinitions): ReadonlyMap<Tier, Tier> {
  const renames = new Map<Tier, Tier>();
  for (const [name, definition] of Object.entries(definitions)) {
    for (const was of earlierNames(`tiers.${name}.was`, definition?.was)) {
      if (was === name || definitions[was] != null)
        throw new TypeError(`tiers.${name}.was names ${was}, which is defined, too. Remove one of them.`);
      const other = renames.get(was);
      if (other !== undefined)
        throw new TypeError(`tiers.${name}.was names ${was}, as tiers.${other}.was does. Remove one of them.`);
      renames.set(was, name);
    }
  }
  return renames;
}

function earlierNames(path: string, was: unknown): readonly Tier[] {
  if (was === undefined) return [];
  const names: readonly unknown[] = Array.isArray(was) ? was : [was];
  if (names.length > MAX_TIERS || !names.every(isTierName))
    throw optionError(path, was, `${TIER_NAME}; or a list of at most ${MAX_TIERS} such names`);
  return names;
}

/** Returns the names of all tiers in the order of their size, including those that are removed or renamed. */
function orderOf(definitions: TierDefinitions, published: boolean): readonly Tier[] {
  const order: Tier[] = published ? [...PUBLISHED_TIERS] : [];
  let next = 0;
  for (const [name, definition] of Object.entries(definitions)) {
    if (isOtherRow(name) || definition === undefined) continue;
    const own = order.indexOf(name);
    if (own >= 0) {
      next = own + 1;
      continue;
    }
    // A tier that doesn't exist has no place that another tier could take.
    if (definition === null) continue;
    const was = earlierNames('', definition.was).find((earlier) => order.includes(earlier));
    const at = was === undefined ? next : order.indexOf(was);
    order.splice(at, 0, name);
    next = at + 1;
  }
  return order;
}

/** Builds the rows of a table. */
class Rows {
  readonly #definitions: TierDefinitions;
  readonly #rows = new Map<LimitedAs, TierLimits>();

  constructor(definitions: TierDefinitions) {
    this.#definitions = definitions;
  }

  of(name: LimitedAs): TierLimits {
    let row = this.#rows.get(name);
    if (row === undefined) this.#rows.set(name, (row = this.#built(name)));
    return row;
  }

  #built(name: LimitedAs): TierLimits {
    const path = `tiers.${name}`;
    const definition = this.#definitions[name];
    if (definition === undefined) return rowOf(TIER_LIMITS, name);
    checkDefinition(path, definition, fieldsOf(name));
    const { was, ...own } = given(definition);
    const base = isPublished(name) || isOtherRow(name) ? TIER_LIMITS[name] : this.#baseOf(path, name, definition);
    const earlier = earlierNames(`${path}.was`, was);
    const row = checkedRow(path, { ...OPTIONAL, ...base, ...own });
    return Object.freeze({ ...row, ...(earlier.length > 0 && { was: Object.freeze([...earlier]) }) });
  }

  /** Returns the limits that a new tier starts from; none: it has to have all of them. */
  #baseOf(path: string, name: Tier, { from, was }: TierDefinition): Partial<TierLimits> {
    if (from !== undefined) return this.#started(path, name, from);
    const earlier = earlierNames(path, was).find(isPublished);
    return earlier === undefined ? {} : TIER_LIMITS[earlier];
  }

  #started(path: string, name: Tier, from: unknown): TierLimits {
    if (typeof from === 'string') {
      const names = Object.keys(this.#definitions);
      const isAbove = names.includes(from) && names.indexOf(from) < names.indexOf(name) && !isOtherRow(from);
      if (this.#definitions[from] != null && (isPublished(from) || isAbove)) return this.of(from);
      if (isPublished(from)) return TIER_LIMITS[from];
    }
    throw optionError(`${path}.from`, from, `a published tier (${PUBLISHED_TIERS.join(', ')}), or an earlier tier`);
  }
}

function checkDefinition(path: string, value: unknown, known: readonly string[]): asserts value is TierDefinition {
  checkKnown(path, value, known);
}

/** Returns the names that a definition can have. */
function fieldsOf(name: LimitedAs): readonly string[] {
  if (isOtherRow(name)) return FIELDS;
  return isPublished(name) ? [...FIELDS, 'was'] : [...FIELDS, 'was', 'from'];
}

function checkedRow(path: string, row: Partial<TierLimits>): TierLimits {
  const missing = FIELDS.find((field) => row[field as keyof TierLimits] === undefined);
  if (missing !== undefined) {
    throw new TypeError(
      `${path}.${missing} is missing. Give a new tier all limits, or copy them from another tier, as in from: GROWTH.`,
    );
  }
  const { keys, adminKeys, rate, burst, streams, categories, ...more } = row as TierLimits;
  for (const [name, count] of Object.entries({ keys, adminKeys })) {
    if (count !== null) checkCount(`${path}.${name}`, count, ', or null for no limit');
  }
  for (const [name, count] of Object.entries({ rate, burst, streams })) checkCount(`${path}.${name}`, count);
  return {
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
    quotas: checkedQuotas(`${path}.quotas`, more.quotas),
    credits: checkedCredits(`${path}.credits`, more.credits),
  };
}

function checkedPair(path: string, pair: WindowLimits | null): WindowLimits | null {
  if (pair === null) return null;
  checkKnown(path, pair, ['rate', 'burst']);
  const { rate, burst } = pair;
  for (const [name, count] of Object.entries({ rate, burst })) checkCount(`${path}.${name}`, count);
  return Object.freeze({ rate, burst });
}

function checkedCost(path: string, cost: CostLimits | null): CostLimits | null {
  if (cost === null) return null;
  checkKnown(path, cost, ['max', 'rate', 'burst']);
  const { max, rate, burst } = cost;
  for (const [name, count] of Object.entries({ max, rate, burst })) checkCount(`${path}.${name}`, count);
  return Object.freeze({ max, rate, burst });
}

function checked(path: string, categories: TierLimits['categories'], most: WindowLimits): TierLimits['categories'] {
  checkKnown(path, categories, CATEGORIES);
  const entries = Object.entries(given(categories)).map(([category, pair]) => {
    checkKnown(`${path}.${category}`, pair, Object.keys(most));
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

function checkKnown(path: string, value: unknown, known: readonly string[]): void {
  if (!isPlainObject(value)) throw optionError(path, value, `an object with ${known.join(', ')}`);
  for (const name of Object.keys(value)) if (!known.includes(name)) throw unknownOption(path, name, known);
}

function checkCount(path: string, value: unknown, or = ''): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= HIGHEST) return;
  throw optionError(path, value, `an integer from 1 to ${HIGHEST}${or}`);
}
