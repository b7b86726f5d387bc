import { faultOfMoment } from '../../shared/dates/momentFault.js';
import { formatMoment, LAST_MOMENT, parseMoment } from '../../shared/dates/moments.js';

// Parses the cells of an export. Ambiguous values are refused, never guessed.

/** How dates are written: ISO 8601, or numbers in a unit. */
export const DATES = ['iso', 'seconds', 'milliseconds'] as const;
export type Dates = (typeof DATES)[number];

/** The value of a cell, or what is wrong with it. */
type Read<T> = { readonly value: T } | { readonly problem: string };

/**
 * The earliest date of a number. No key is older, so an earlier date means that the number is in a different unit: seconds that
 * are read as milliseconds are in 1970.
 */
const FIRST_NUMBER = Date.UTC(1980, 0);

/** Texts for "no value" in exports. PostgreSQL and MySQL write `\N`, many tools write `NULL`. */
const NULLS: ReadonlySet<string> = new Set(['', '\\N', 'NULL', 'null']);

const FLAGS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [1, true],
  ['true', true],
  ['t', true],
  ['1', true],
  [false, false],
  [0, false],
  ['false', false],
  ['f', false],
  ['0', false],
  ['yes', true],
  ['no', false],
]);

export function isAbsent(cell: unknown): cell is null | undefined {
  return cell === null || cell === undefined;
}

/** Returns the value of an object such as `{ $date: … }` or `{ $oid: … }`, as mongoexport writes it (MongoDB Extended JSON). */
export function unwrapped(cell: unknown): unknown {
  if (typeof cell !== 'object' || cell === null) return cell;
  const [entry, ...more] = Object.entries(cell);
  if (entry === undefined || more.length > 0) return cell;
  const [name, value] = entry as [string, unknown];
  return (name === '$date' || name === '$oid') && typeof value === 'string' ? value : cell;
}

export function textOf(cell: unknown): string | null {
  if (typeof cell === 'string') return cell.includes('\0') ? null : cell;
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? String(cell) : null;
}

export function flagOf(cell: unknown): boolean | null {
  return FLAGS.get(typeof cell === 'string' ? cell.toLowerCase() : cell) ?? null;
}

/** Returns whether a cell has no value, or a text such as `NULL`. Only for columns in which this text is not a valid value. */
export function isNull(cell: unknown): boolean {
  return isAbsent(cell) || (typeof cell === 'string' && NULLS.has(cell));
}

/** Parses a date to milliseconds since the epoch. A date without a time zone is refused, because it is ambiguous. */
export function momentOf(cell: unknown, dates: Dates): Read<number> {
  const text = textOf(cell) ?? (typeof cell === 'number' ? String(cell) : '');
  if (/^\d{1,25}$/.test(text)) return numberedMoment(Number(text), dates);
  const value = parseMoment(text, 'exported');
  return value === null ? { problem: problemOf(cell, text, dates) } : { value };
}

/** Returns what is wrong with a date: the unit, the time zone, the day or the format. */
function problemOf(cell: unknown, text: string, dates: Dates): string {
  if (/^[+-]?\d*\.?\d+(?:e[+-]?\d+)?$/i.test(text)) {
    return dates === 'iso'
      ? NUMBER
      : `is not a whole number of ${dates} from 1980 to 9999, as \`dates: ${dates}\` says`;
  }
  if (typeof cell === 'object') return `is a list or an object. ${EXPORT}`;
  const unit = dates === 'iso' ? '' : `, or a whole number of ${dates}, as \`dates: ${dates}\` says`;
  const fault = faultOfMoment(text, 'exported');
  if (fault !== null) return `${fault}. Export it in UTC${unit}, and leave it empty where there is none`;
  return `is not a date in ISO 8601 with its zone${unit}. ${EXPORT}`;
}

const NUMBER = 'is a number: set `dates` to seconds or milliseconds';
const EXPORT = 'Export it in UTC, such as 2026-03-01T12:00:00Z, and leave it empty where there is none';

function numberedMoment(number: number, dates: Dates): Read<number> {
  if (dates === 'iso') return { problem: NUMBER };
  const value = number * (dates === 'seconds' ? 1000 : 1);
  if (value > LAST_MOMENT) {
    const remedy = dates === 'seconds' ? 'use `dates: milliseconds` if it is in milliseconds' : 'export it in ISO 8601';
    return { problem: `is after the year 9999 in ${dates}: ${remedy}` };
  }
  if (value >= FIRST_NUMBER) return { value };
  const remedy = dates === 'milliseconds' ? 'use `dates: seconds` if it is in seconds, and ' : '';
  return {
    problem: `is ${formatMoment(value).slice(0, 10)} in ${dates}: ${remedy}leave it empty where there is no date`,
  };
}
