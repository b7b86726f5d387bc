import { lasting, whole } from '../parts/moments.js';

/** One field that a change touched. `before` null: it was not there; `after` null: it is no more. */
export interface Difference {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Of a list: what came and what went; null for what is no list. */
  readonly items: { readonly added: readonly string[]; readonly removed: readonly string[] } | null;
}

/** What differs between two states as the audit log holds them. One that is no object has no fields. */
export function differences(before: unknown, after: unknown): Difference[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((field) => JSON.stringify(old[field] ?? null) !== JSON.stringify(now[field] ?? null))
    .filter((field) => !isNothing(old[field]) || !isNothing(now[field]))
    .map((field) => ({
      field: inWords(field),
      before: textOf(old[field], field),
      after: textOf(now[field], field),
      items: itemsOf(old[field], now[field]),
    }));
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

/** Fields that hold a moment, in ms since the epoch. */
const MOMENTS: ReadonlySet<string> = new Set(['expiresAt', 'revokedAt', 'removedAt', 'createdAt', 'lastUsedAt']);

function textOf(value: unknown, field: string): string | null {
  if (isNothing(value)) return null;
  if (typeof value === 'number' && MOMENTS.has(field)) return whole(value);
  if (typeof value === 'number' && field === 'lifetime') return lasting(value);
  return inText(value);
}

function inText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(inText).join(', ') : JSON.stringify(value);
}

/** `allowedAddresses` is `allowed addresses`. */
function inWords(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
