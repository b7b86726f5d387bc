import { Schema } from 'mongoose';
import type { UsageAddition, UsageCounts } from '../records.js';
import type { UsageStore } from '../usageStore.js';
import {
  cappedAdditions,
  isCapped,
  listName,
  placeName,
  placeNamed,
  REPORT_PERIODS,
  reportAdditions,
  rowName,
  startName,
  valuesName,
  type ReportAddition,
} from '../usageReport.js';
import { eq, parts, where, type Documents } from './documents.js';
import { OPTIONS } from './schemas.js';
import type { Addition } from './usageJournal.js';

/** The number of rows in one bulk write. */
const BULK = 1_000;

/** The number of reads that run at the same time. */
const AT_ONCE = 16;

/** A row of a usage report. */
export interface ReportDocument extends UsageCounts {
  /** Its name: see usageReport.ts. */
  readonly _id: string;
  /** The last addition that changed it. */
  readonly last: number;
  readonly endsAt: Date;
}

export const reportSchema: Schema = new Schema(
  {
    _id: String,
    ...{ requests: Number, cost: Number, queryCost: Number, limited: Number, forbidden: Number },
    last: Number,
    endsAt: Date,
  },
  { ...OPTIONS, collection: 'latchkey_usage_report' },
).index({ endsAt: 1 }, { expireAfterSeconds: 0 });

export const REPORT_UNIQUE = { _id: 'usageReport.row' };

interface UsageReports extends Pick<UsageStore, 'report'> {
  readonly add: (additions: readonly UsageAddition[], addition: Addition) => Promise<void>;
}

export function openUsageReport(reports: Documents<ReportDocument>): UsageReports {
  /** Returns the names of the rows that exist. */
  const existing = async (rows: readonly ReportAddition[]): Promise<Set<string>> => {
    const found = new Set<string>();
    for (const part of parts(rows, BULK)) {
      const names = await reports.find({ _id: where({ $in: part.map(rowName) }) }, { fields: ['_id'] });
      for (const { _id } of names) found.add(_id);
    }
    return found;
  };

  const countOf = (values: string): Promise<number> =>
    reports.count({ _id: where({ $gte: `${values} `, $lt: `${values}!` }) });

  const capped = async (rows: readonly ReportAddition[]): Promise<ReportAddition[]> => {
    const doubtful = rows.filter(isCapped);
    const names = await existing(doubtful);
    const groups = [...new Set(doubtful.filter((row) => !names.has(rowName(row))).map(valuesName))];
    const counts = new Map<string, number>();
    for (const part of parts(groups, AT_ONCE)) {
      const found = await Promise.all(part.map(countOf));
      part.forEach((name, i) => counts.set(name, found[i] ?? 0));
    }
    return cappedAdditions(rows, names, counts);
  };

  return {
    async add(additions, { number, progress }) {
      for (const part of parts(await capped(reportAdditions(additions)), BULK)) {
        await reports.upsertOnce(part.map((row) => upsertOf(row, number)));
        await progress();
      }
    },
    async report(workspaceId, { dimension, by, from, to, after, first }) {
      const list = listName({ workspaceId, period: by, dimension });
      const bounds = {
        ...(after === null ? { $gte: list + startName(from) } : { $gt: list + placeName(after) }),
        $lt: list + startName(to),
      };
      const rows = await reports.find({ _id: where(bounds) }, { sort: { _id: 1 }, limit: first });
      return rows.map(({ _id, requests, cost, queryCost, limited, forbidden }) => ({
        ...placeNamed(_id.slice(list.length)),
        ...{ requests, cost, queryCost, limited, forbidden },
      }));
    },
  };
}

function upsertOf(row: ReportAddition, number: number) {
  const { period, start, requests, cost, queryCost, limited, forbidden } = row;
  return {
    updateOne: {
      filter: { _id: eq(rowName(row)), last: where({ $lt: number }) },
      update: {
        $inc: { requests, cost, queryCost, limited, forbidden },
        $set: { last: number },
        $setOnInsert: { endsAt: new Date(start + REPORT_PERIODS[period].kept) },
      },
      upsert: true,
    },
  };
}
