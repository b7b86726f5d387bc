import type { Actor } from '../../core/keys/actor.js';
import { badInput } from '../../core/errors/refusal.js';
import type { UsageCounts, WorkspaceRecord } from '../../core/store/records.js';
import type { ReportQuery, UsageStore } from '../../core/store/usageStore.js';
import {
  addedCounts,
  placeName,
  placeNamed,
  reportStart,
  type ReportDimension,
  type ReportPeriod,
  type ReportPlace,
  type ReportRow,
} from '../../core/store/usageReport.js';
import { DAY, HOUR } from '../../core/store/periods.js';

/** The values that a report can be grouped by. */
const USAGE_GROUPS = {
  WORKSPACE: 'total',
  PROJECT: 'total',
  OWNER: 'owner',
  KEY: 'key',
  OPERATION: 'operation',
  ROOT_FIELD: 'root',
} as const satisfies Readonly<Record<string, ReportDimension>>;

export type UsageGroup = keyof typeof USAGE_GROUPS;

/** The number of rows in one page. */
export const MAX_ROWS = 1_000;

/** The number of rows that one page reads: rows of other projects are skipped, and rows with the same value are summed. */
const MAX_READ = 20_000;

/** The length of the range if no start is given, in ms. */
const USUAL = { HOUR: 24 * HOUR, DAY: 30 * DAY, MONTH: 365 * DAY } as const satisfies Record<ReportPeriod, number>;

/** A report to read. Times are in ms since the epoch; null if omitted. */
interface AskedReport {
  readonly groupBy: UsageGroup;
  readonly by: ReportPeriod;
  readonly from: number | null;
  readonly to: number | null;
  /** A cursor; null to start at the beginning. */
  readonly after: string | null;
  readonly first: number;
  /** null for the workspace of the caller. */
  readonly workspaceId: string | null;
}

/** The requests of one value in one period. */
export interface UsageRow extends UsageCounts {
  readonly groupBy: UsageGroup;
  readonly start: number;
  readonly value: string;
  readonly cursor: string;
}

export interface UsagePage {
  readonly nodes: readonly UsageRow[];
  /** The cursor after everything that was read; null if nothing was. It can be after the last row. */
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

interface UsageReportsOptions {
  readonly usage: Pick<UsageStore, 'report'>;
  /** Returns a workspace that the actor can access. @throws Refusal NOT_FOUND */
  readonly workspaceOf: (actor: Actor, id: string) => Promise<WorkspaceRecord>;
  readonly now: () => number;
}

/** Reads the usage of a workspace. A key that is restricted to a project reads only the usage of that project. */
export class UsageReports {
  readonly #options: UsageReportsOptions;

  constructor(options: UsageReportsOptions) {
    this.#options = options;
  }

  /**
   * Returns rows by start, and then by value. A page can be shorter than requested and have a next one.
   *
   * @throws Refusal BAD_USER_INPUT (first, after, to), NOT_FOUND (the workspace)
   */
  async list(actor: Actor, asked: AskedReport): Promise<UsagePage> {
    const { first, groupBy } = asked;
    if (first < 1 || first > MAX_ROWS)
      throw badInput(['first'], `A page has 1 to ${MAX_ROWS} rows. Set first to a number in this range.`);
    const query = this.#queryOf(asked);
    const { id } = await this.#options.workspaceOf(actor, asked.workspaceId ?? actor.workspaceId);
    const rows = new Rows({ groupBy, workspaceId: id, projectId: actor.projectId, first });
    let { after } = query;
    let left = MAX_READ;
    let most = first + 1;
    for (let isLast = false; !isLast && !rows.isFull && left > 0;) {
      const found = await this.#options.usage.report(id, { ...query, after, first: most });
      isLast = found.length < most;
      left -= found.length;
      for (const row of found) rows.add(row);
      after = found.at(-1) ?? after;
      most = Math.min(left, MAX_ROWS);
      if (isLast) rows.end();
    }
    return rows.page(query.after);
  }

  #queryOf({ groupBy, by, from, to, after }: AskedReport): Omit<ReportQuery, 'first'> {
    const end = to ?? this.#options.now() + 1;
    const begin = reportStart(from ?? end - USUAL[by], by);
    if (begin >= end)
      throw badInput(['to'], 'The end (to) is not after the start (from). Set a later end, or an earlier start.');
    const place = after === null ? null : placeIn(after, groupBy, by);
    return { dimension: USAGE_GROUPS[groupBy], by, from: begin, to: end, after: place };
  }
}

interface RowsOptions {
  readonly groupBy: UsageGroup;
  readonly workspaceId: string;
  /** null for all projects. */
  readonly projectId: string | null;
  readonly first: number;
}

/** Collects the rows of a page, and sums those of different projects. */
class Rows {
  readonly #options: RowsOptions;
  readonly #rows: { sum: ReportRow; last: ReportPlace }[] = [];
  /** The last row that was read, whether it is on the page or was skipped. */
  #last: ReportPlace | null = null;
  #isFull = false;
  #isLast = false;

  constructor(options: RowsOptions) {
    this.#options = options;
  }

  /** Whether a row was found that belongs to the next page. */
  get isFull(): boolean {
    return this.#isFull;
  }

  add(row: ReportRow): void {
    const { projectId, first } = this.#options;
    if (this.#isFull) return;
    if (projectId === null || row.projectId === projectId) {
      const before = this.#rows.at(-1);
      if (before !== undefined && this.#isSame(before.sum, row)) {
        before.sum = { ...before.sum, ...addedCounts(before.sum, row) };
        before.last = row;
      } else if (this.#rows.length === first) this.#isFull = true;
      else this.#rows.push({ sum: row, last: row });
    }
    if (!this.#isFull) this.#last = row;
  }

  /** Records that there are no more rows. */
  end(): void {
    this.#isLast = true;
  }

  page(after: ReportPlace | null): UsagePage {
    if (!this.#isFull && !this.#isLast) this.#leaveLast();
    return {
      nodes: this.#rows.map(({ sum, last }) => this.#shown(sum, last)),
      endCursor: this.#last === null ? null : this.#cursor(this.#last),
      hasNextPage: this.#isFull || !this.#isLast,
      hasPreviousPage: after !== null,
    };
  }

  /** Leaves the last value to the next page, because not all of its rows were read. */
  #leaveLast(): void {
    if (this.#rows.length < 2) return;
    this.#rows.pop();
    this.#last = this.#rows.at(-1)?.last ?? null;
  }

  #isSame(a: ReportRow, b: ReportRow): boolean {
    return (
      a.start === b.start && a.value === b.value && (this.#options.groupBy !== 'PROJECT' || a.projectId === b.projectId)
    );
  }

  #shown(row: ReportRow, last: ReportPlace): UsageRow {
    const { groupBy, workspaceId } = this.#options;
    const { start, value, projectId, ...counts } = row;
    const shown = groupBy === 'WORKSPACE' ? workspaceId : groupBy === 'PROJECT' ? projectId : value;
    return { groupBy, start, value: shown, ...counts, cursor: this.#cursor(last) };
  }

  #cursor({ start, value, projectId }: ReportPlace): string {
    return Buffer.from(`${USAGE_GROUPS[this.#options.groupBy]} ${placeName({ start, value, projectId })}`).toString(
      'base64url',
    );
  }
}

/** @throws Refusal BAD_USER_INPUT if the cursor is not one of a report with this grouping */
function placeIn(cursor: string, groupBy: UsageGroup, by: ReportPeriod): ReportPlace {
  const text = cursor.length <= 2_000 ? Buffer.from(cursor, 'base64url').toString() : '';
  const [, dimension, name = ''] = /^(\w+) (\d{16} \S* \S+)$/.exec(text) ?? [];
  const place = dimension === USAGE_GROUPS[groupBy] ? decoded(name) : null;
  if (place === null || place.start !== reportStart(place.start, by)) {
    throw badInput(['after'], 'Invalid cursor. Use endCursor of the previous page, with the same groupBy and by.');
  }
  return place;
}

function decoded(name: string): ReportPlace | null {
  try {
    return placeNamed(name);
  } catch {
    return null;
  }
}
