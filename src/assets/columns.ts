import type { Column } from '../store/records.js';
import { normalise } from '../text/characters.js';

/** How columns seen differ from those promised. */
export interface ColumnChanges {
  readonly added: readonly Column[];
  readonly missing: readonly Column[];
  readonly retyped: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

/**
 * Compares by name and type, not by place: catalogues list columns in whatever order they please, and an alert at each of
 * their moods would teach people to overlook alerts. Names and types are compared in NFC, in which they are stored today: an
 * earlier release stored them as they came.
 *
 * @returns null where there is no difference
 */
export function changesBetween(
  promisedColumns: readonly Column[],
  seenColumns: readonly Column[],
): ColumnChanges | null {
  const [promised, seen] = [promisedColumns.map(normalised), seenColumns.map(normalised)];
  const before = new Map(promised.map(({ name, type }) => [name, type]));
  const after = new Map(seen.map(({ name, type }) => [name, type]));
  const added = seen.filter(({ name }) => !before.has(name));
  const missing = promised.filter(({ name }) => !after.has(name));
  const retyped = promised.flatMap(({ name, type: from }) => {
    const to = after.get(name);
    return to === undefined || to === from ? [] : [{ name, from, to }];
  });
  return added.length + missing.length + retyped.length === 0 ? null : { added, missing, retyped };
}

function normalised({ name, type }: Column): Column {
  return { name: normalise(name), type: normalise(type) };
}

/** How many columns a message names of each sort of change, so that a thousand of them do not make a page. */
const NAMED = 5;

/** The difference for people: `added tax; missing note; changed amount from integer to numeric`. */
export function inWords({ added, missing, retyped }: ColumnChanges): string {
  return [
    sentence(
      'added',
      added.map(({ name }) => name),
    ),
    sentence(
      'missing',
      missing.map(({ name }) => name),
    ),
    sentence(
      'changed',
      retyped.map(({ name, from, to }) => `${name} from ${from} to ${to}`),
    ),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function sentence(verb: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const more = items.length > NAMED ? ` and ${items.length - NAMED} more` : '';
  return `${verb} ${items.slice(0, NAMED).join(', ')}${more}`;
}
