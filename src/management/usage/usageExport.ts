import { formatMoment } from '../../shared/dates/moments.js';
import type { UsageRow } from './usageReports.js';

export type UsageFormat = 'CSV' | 'JSON_LINES';

/** The fields of a row, in the order of the columns. */
const COLUMNS = [
  'start',
  'value',
  'name',
  'requests',
  'cost',
  'queryCost',
  'limited',
  'forbidden',
  'cursor',
] as const satisfies readonly (keyof ExportedRow)[];

/** A row with the name of its key, owner or project; null if it has none. */
interface ExportedRow extends Omit<UsageRow, 'start'> {
  readonly start: string;
  readonly name: string | null;
}

/**
 * Returns rows as text, one line each.
 *
 * @param isFirst whether the text begins the file; CSV then has a line with the names of the columns
 */
export function exportedText(
  rows: readonly (UsageRow & Pick<ExportedRow, 'name'>)[],
  format: UsageFormat,
  isFirst: boolean,
): string {
  const shown = rows.map((row) => ({ ...row, start: formatMoment(row.start) }));
  const lines = format === 'CSV' ? csvLines(shown, isFirst) : shown.map(jsonLine);
  return lines.map((line) => `${line}\n`).join('');
}

function jsonLine(row: ExportedRow): string {
  return JSON.stringify(Object.fromEntries(COLUMNS.map((name) => [name, row[name]])));
}

function csvLines(rows: readonly ExportedRow[], isFirst: boolean): string[] {
  const lines = rows.map((row) => COLUMNS.map((name) => csvCell(row[name] ?? '')).join(','));
  return isFirst ? [COLUMNS.join(','), ...lines] : lines;
}

/**
 * Spreadsheets run a cell as a formula if it begins with one of these characters. In locales where a comma is part of numbers, such as
 * German, they also split a line at semicolons, even within quotation marks.
 */
const FORMULA = /(^|[;\t]\s*)([=+\-@\t\r＝＋－＠])/g;

/**
 * Returns a cell of CSV (RFC 4180). Text that a spreadsheet would run as a formula gets an apostrophe, which spreadsheets
 * don't show: callers choose the names of keys.
 */
export function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  // One line for each row, so that an interrupted file can be continued after its last complete line.
  const line = value.replaceAll(/[\r\n]+/g, ' ');
  const safe = line.replaceAll(FORMULA, "$1'$2");
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
