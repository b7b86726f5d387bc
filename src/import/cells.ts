/** What a cell may hold, and why another value is refused: nothing is taken for what it may not be. */

/** How moments are written where they are numbers. */
export const DATES = ['iso', 'seconds', 'milliseconds'] as const;
export type Dates = (typeof DATES)[number];

/** A value of a cell, or what is wrong with it. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$/;

/** The last moment that a date can name, in ms. */
const MAX_TIME = 8.64e15;

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
]);

export function isAbsent(cell: unknown): cell is null | undefined {
  return cell === null || cell === undefined;
}

/** A value as mongoexport writes it (MongoDB Extended JSON): dates and ids stand in an object of their own. */
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

/** In ms since the epoch. A date without a zone is refused: it would be another moment in another place. */
export function momentOf(cell: unknown, dates: Dates): Read<number> {
  const text = textOf(cell) ?? '';
  if (/^\d{1,16}$/.test(text)) {
    if (dates === 'iso') return { problem: 'is a number: say with `dates: seconds` or `dates: milliseconds` which' };
    const time = Number(text) * (dates === 'seconds' ? 1000 : 1);
    return time <= MAX_TIME
      ? { value: time }
      : { problem: 'is beyond the year 275760: are these `dates: milliseconds`?' };
  }
  // Date.parse knows neither the blank nor +00, as PostgreSQL writes them.
  const time = ISO.test(text) ? Date.parse(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')) : NaN;
  if (Number.isNaN(time)) {
    return { problem: 'is no date of ISO 8601 with its zone, as 2026-03-01T12:00:00Z: export it in UTC' };
  }
  return { value: time };
}
