import type { UsagePeriod } from './periods.js';
import type { FieldUse, UsageBatch, UsageRecord } from './records.js';
import type { ReportDimension, ReportPeriod, ReportPlace, ReportRow } from './usageReport.js';

/** The periods to read, which start at or after `from` and before `to`. */
export interface UsageSpan {
  /** The start of a period, like `to`. */
  readonly from: number;
  readonly to: number;
  readonly by: UsagePeriod;
}

/** Rows of a usage report to read. */
export interface ReportQuery {
  readonly dimension: ReportDimension;
  readonly by: ReportPeriod;
  readonly from: number;
  readonly to: number;
  readonly after: ReportPlace | null;
  readonly first: number;
}

/** The usage of keys and workspaces. */
export interface UsageStore {
  /**
   * Adds the activity of keys, by the minute, to each key's counts for the minute, hour and day, to its fields of the
   * day, and to the usage report of its workspace for the hour, day and month, in bulk. The counts of concurrent calls are added up. Counts
   * older at `now` than their retention ({@link USAGE_PERIODS}, {@link FIELDS_KEPT}, {@link REPORT_PERIODS}) may then be
   * deleted, here or by the engine. In a report, values beyond {@link MAX_VALUES} are counted together.
   *
   * A batch is added completely and once: with an ID that was added within the last 24 hours, the call does nothing.
   * MongoDB may show a batch in parts until it is added completely, which another process does if this one ends.
   *
   * @throws StoreUnavailable if nothing was written; Unacknowledged if the batch may have been: send it again
   */
  add(batch: UsageBatch, now: number): Promise<void>;

  /**
   * Returns the counts of each key and period that has any, in any order: at most one row for a key and period; one
   * read by index.
   */
  read(keyIds: readonly string[], span: UsageSpan): Promise<readonly UsageRecord[]>;

  /**
   * Returns rows of the usage report of a workspace, at most `first`, in the order of {@link ReportPlace}: by start, and
   * then by value and project in an order that the engine chooses. All rows of one start and value follow each other.
   * Reads by index.
   *
   * @param query the periods that start at or after `from` and before `to`; `after`: the place before the first row
   */
  report(workspaceId: string, query: ReportQuery): Promise<readonly ReportRow[]>;

  /**
   * Returns the guarded fields that a key used on the days that start at or after `from` and before `to`, by coordinate
   * (code-unit order); one read by index.
   */
  fields(keyId: string, from: number, to: number): Promise<readonly FieldUse[]>;
}
