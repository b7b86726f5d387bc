import type { Column } from '../store/demoRecords.js';
import { normalise } from '../../shared/text/characters.js';

/** The differences between the current and the registered columns. */
interface ColumnChanges {
  readonly added: readonly Column[];
  readonly missing: readonly Column[];
  readonly retyped: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

/**
 * Compares names and types, but not the order: catalogues list columns in any order, and unnecessary alerts would teach people to ignore
 * alerts. Compares in NFC, the form in which names and types are now stored. An earlier release stored
 * them unchanged.
 *
 * @returns null if there is no difference
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

/** The maximum number of columns that a message lists for each kind of change, so that it stays short. */
const NAMED = 5;

/** Formats the differences for people: `added tax; missing note; changed amount from integer to numeric`. */
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
