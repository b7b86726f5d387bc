import { DAY, HOUR } from './periods.js';
import type { UsageAddition, UsageCounts } from './records.js';

/** The periods of the usage report, and how long each is kept from its start, in ms. Months are calendar months in UTC. */
export const REPORT_PERIODS = {
  HOUR: { kept: 90 * DAY },
  DAY: { kept: 730 * DAY },
  MONTH: { kept: 3_653 * DAY },
} as const;

export type ReportPeriod = keyof typeof REPORT_PERIODS;

/** What a row counts the requests of: a project of the workspace, or one owner, key, operation name or root field. */
export type ReportDimension = 'total' | 'owner' | 'key' | 'operation' | 'root';

/** The value of requests without an owner, of unnamed operations, and of keys without a project. */
export const NONE = '(none)';

/** The value of operation names and root fields beyond {@link MAX_VALUES}. */
export const OTHER = '(other)';

/**
 * The number of rows with operation names, and with root fields, that a workspace has in one period. Callers choose
 * operation names, so without a maximum they could fill the store.
 */
export const MAX_VALUES = 500;

/** The requests of one value in one period. The identity of a row is everything but its counts. */
export interface ReportRow extends ReportPlace, UsageCounts {}

/** The position of a row in the list of a workspace, period and dimension, which is in this order. */
export interface ReportPlace {
  /** The start of the period, in ms since the epoch. */
  readonly start: number;
  /** Empty for `total`. */
  readonly value: string;
  /** {@link NONE}: the key is not restricted to a project. */
  readonly projectId: string;
}

/** A row to add to a workspace's report. */
export interface ReportAddition extends ReportRow {
  readonly workspaceId: string;
  readonly period: ReportPeriod;
  readonly dimension: ReportDimension;
}

/** Returns the start of the period that contains a time. */
export function reportStart(at: number, by: ReportPeriod): number {
  if (by === 'HOUR') return Math.floor(at / HOUR) * HOUR;
  if (by === 'DAY') return Math.floor(at / DAY) * DAY;
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

const PERIODS = Object.keys(REPORT_PERIODS) as ReportPeriod[];

const NO_COUNTS: UsageCounts = Object.freeze({ requests: 0, cost: 0, queryCost: 0, limited: 0, forbidden: 0 });

/**
 * The largest count. Sums stop at this value, because a caller chooses the lengths of the requested lists, and thereby the cost. A larger
 * number could not be read from SQLite, and one beyond 2^63 would fail a batch with the usage of other workspaces.
 */
export const MOST_COUNTED = Number.MAX_SAFE_INTEGER;

/** Returns the sum of two counts, at most {@link MOST_COUNTED}. */
export function sumOf(a: number, b: number): number {
  return Math.min(a + b, MOST_COUNTED);
}

export function addedCounts(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    requests: sumOf(a.requests, b.requests),
    cost: sumOf(a.cost, b.cost),
    queryCost: sumOf(a.queryCost, b.queryCost),
    limited: sumOf(a.limited, b.limited),
    forbidden: sumOf(a.forbidden, b.forbidden),
  };
}

/** Returns the rows to add to the reports, each once, in an order that depends only on what is added. */
export function reportAdditions(additions: readonly UsageAddition[]): ReportAddition[] {
  const sums = new Map<string, ReportAddition>();
  for (const addition of additions) {
    for (const { dimension, value, counts } of valuesOf(addition)) {
      const { workspaceId = '', projectId = null } = addition.report ?? {};
      for (const period of PERIODS) {
        const start = reportStart(addition.start, period);
        const place = { workspaceId, period, dimension, start, value, projectId: projectId ?? NONE };
        const name = rowName(place);
        sums.set(name, { ...place, ...addedCounts(sums.get(name) ?? NO_COUNTS, counts) });
      }
    }
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

interface Value {
  readonly dimension: ReportDimension;
  readonly value: string;
  readonly counts: UsageCounts;
}

function valuesOf({ keyId, report, ...own }: UsageAddition): Value[] {
  if (report === undefined) return [];
  const counts = { ...own, queryCost: report.queryCost };
  const named = (dimension: ReportDimension, by: ReadonlyMap<string, UsageCounts>): Value[] =>
    [...by].map(([value, each]) => ({ dimension, value, counts: each }));
  return [
    { dimension: 'total', value: '', counts },
    { dimension: 'owner', value: report.ownerId ?? NONE, counts },
    { dimension: 'key', value: keyId, counts },
    ...named('operation', report.operations),
    ...named('root', report.roots),
  ];
}

/** Returns a text that identifies a row and sorts by workspace, period, dimension, start, value and project. */
export function rowName(row: Omit<ReportAddition, keyof UsageCounts>): string {
  const { start, value, projectId } = row;
  return `${listName(row)}${placeName({ start, value, projectId })}`;
}

/** Returns the part of {@link rowName} that all rows of a list share. */
export function listName({
  workspaceId,
  period,
  dimension,
}: Pick<ReportAddition, 'workspaceId' | 'period' | 'dimension'>): string {
  return `${encodeURIComponent(workspaceId)} ${period} ${dimension} `;
}

/** Returns the part of {@link rowName} that identifies a row in its list. A space separates the parts, and is encoded in them. */
export function placeName({ start, value, projectId }: ReportPlace): string {
  return `${startName(start)} ${encodeURIComponent(value)} ${encodeURIComponent(projectId)}`;
}

/** Returns the part of {@link placeName} for a start. */
export function startName(start: number): string {
  return String(start).padStart(16, '0');
}

/** Returns the place with a {@link placeName}. */
export function placeNamed(name: string): ReportPlace {
  const [start = '', value = '', projectId = ''] = name.split(' ');
  return {
    start: Number(start),
    value: decodeURIComponent(value),
    projectId: decodeURIComponent(projectId),
  };
}

/** Returns whether callers can create an unlimited number of values. */
export function isCapped({ dimension, value }: Pick<ReportAddition, 'dimension' | 'value'>): boolean {
  return (dimension === 'operation' || dimension === 'root') && value !== OTHER && value !== NONE;
}

/** The names of the periods of workspaces: each can have {@link MAX_VALUES} rows of a dimension. */
type ValueCounts = ReadonlyMap<string, number>;

/** Returns the name under which the values of a row's period are counted: the part of {@link rowName} before the value. */
export function valuesName(row: ReportAddition): string {
  return `${listName(row)}${startName(row.start)}`;
}

/**
 * Counts values beyond the maximum under {@link OTHER}.
 *
 * @param known the names of rows that exist, of those that are capped
 * @param counts the number of rows by {@link valuesName}, of each that has an unknown row
 */
export function cappedAdditions(
  rows: readonly ReportAddition[],
  known: ReadonlySet<string>,
  counts: ValueCounts,
): ReportAddition[] {
  const taken = new Map(counts);
  const result = new Map<string, ReportAddition>();
  for (const row of rows) {
    const kept = keeps(row, known, taken) ? row : { ...row, value: OTHER };
    const name = rowName(kept);
    const before = result.get(name);
    result.set(name, before === undefined ? kept : { ...kept, ...addedCounts(before, kept) });
  }
  return [...result.values()];
}

function keeps(row: ReportAddition, known: ReadonlySet<string>, taken: Map<string, number>): boolean {
  if (!isCapped(row) || known.has(rowName(row))) return true;
  const name = valuesName(row);
  const count = taken.get(name) ?? 0;
  if (count >= MAX_VALUES) return false;
  taken.set(name, count + 1);
  return true;
}
