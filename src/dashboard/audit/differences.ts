import { lasting, whole } from '../parts/relativeTime.js';
import { ENVIRONMENTS, tierLabel, TYPES } from '../parts/words.js';

/** A field that a change affected. `before` is null if it was added, `after` if it was removed. */
export interface Difference {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
  /** The added and removed items of a list; null if the field is not a list. */
  readonly items: { readonly added: readonly string[]; readonly removed: readonly string[] } | null;
  /** The ID of the object that `after` names. Absent if `after` is not a name. */
  readonly id?: string;
}

/**
 * Returns the fields that differ between two states of the audit log. A state that is not an object has no fields.
 *
 * @param names the names of keys, users and projects by their IDs
 */
export function differences(
  before: unknown,
  after: unknown,
  names: ReadonlyMap<string, string> = new Map(),
): Difference[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((field) => JSON.stringify(old[field] ?? null) !== JSON.stringify(now[field] ?? null))
    .filter((field) => !isNothing(old[field]) || !isNothing(now[field]))
    .map((field) => {
      const id = now[field];
      const isNamed = [old[field], id].some((value) => typeof value === 'string' && names.has(value));
      return {
        field: isNamed ? inWords(field).replace(/ ID$/, '') : inWords(field),
        before: textOf(old[field], field, names),
        after: textOf(id, field, names),
        items: itemsOf(old[field], id),
        ...(typeof id === 'string' && names.has(id) && { id }),
      };
    });
}

function fieldsOf(state: unknown): Readonly<Record<string, unknown>> {
  return state !== null && typeof state === 'object' && !Array.isArray(state) ? { ...state } : {};
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function itemsOf(old: unknown, now: unknown): Difference['items'] {
  if (!Array.isArray(old) || !Array.isArray(now)) return null;
  const [was, is] = [old.map(inText), now.map(inText)];
  return { added: is.filter((item) => !was.includes(item)), removed: was.filter((item) => !is.includes(item)) };
}

/** Fields with a time, in ms since the epoch. */
const MOMENTS: ReadonlySet<string> = new Set([
  'expiresAt',
  'revokedAt',
  'removedAt',
  'createdAt',
  'lastUsedAt',
  'since',
  'until',
  'at',
]);

/** Labels for values of the API, by field. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  type: TYPES,
  environment: ENVIRONMENTS,
};

function textOf(value: unknown, field: string, names: ReadonlyMap<string, string>): string | null {
  if (isNothing(value)) return null;
  if (typeof value === 'number' && MOMENTS.has(field)) return whole(value);
  if (typeof value === 'number' && field === 'lifetime') return lasting(value);
  const words = WORDS[field];
  if (typeof value === 'string' && field === 'tier') return tierLabel(value);
  if (typeof value === 'string' && words !== undefined && Object.hasOwn(words, value)) return words[value] ?? value;
  return typeof value === 'string' ? (names.get(value) ?? value) : inText(value);
}

function inText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(inText).join(', ') : JSON.stringify(value);
}

/** Labels for the counts of rejected requests. */
const COUNTS: Readonly<Record<string, string>> = {
  limited: 'over the rate limit',
  forbidden: 'missing a scope',
  address: 'address not allowed',
  document: 'document not trusted',
};

/** Turns `allowedAddresses` into `allowed addresses`. */
function inWords(field: string): string {
  if (Object.hasOwn(COUNTS, field)) return COUNTS[field] ?? field;
  return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/ id$/, ' ID');
}
