import { StoreUnavailable } from '../storeErrors.js';
import { DAY, fieldsByDay, summed, type UsagePeriod } from '../periods.js';
import type { FieldUse, UsageAddition, UsageRecord } from '../records.js';
import type { UsageStore } from '../usageStore.js';
import { eq, parts, where, type Documents } from './documents.js';
import type { FieldsDocument, UsageDocument } from './schemas.js';
import { UsageJournal, type Addition, type UsageBatchDocument, type UsageStateDocument } from './usageJournal.js';
import { openUsageReport, type ReportDocument } from './usageReport.js';

export const USAGE_UNIQUE = { 'keyId,start': 'usage.start' };

/** A separate collection for each period, so that each has its own expiry. */
export type UsageCollections = Readonly<Record<UsagePeriod, Documents<UsageDocument>>>;

/** The number of records in one bulk write. */
const BULK = 1_000;

interface UsageParts {
  readonly usage: UsageCollections;
  readonly fields: Documents<FieldsDocument>;
  readonly reports: Documents<ReportDocument>;
  readonly batches: Documents<UsageBatchDocument>;
  readonly state: Documents<UsageStateDocument>;
}

/** Opens the operations, and adds the batches that a process stored and could not add. */
export function openUsage({ usage, fields, reports, batches, state }: UsageParts): UsageStore {
  const { add: addToReports, report } = openUsageReport(reports);

  const addCounts = async (
    period: UsagePeriod,
    additions: readonly UsageAddition[],
    { number, progress }: Addition,
  ): Promise<void> => {
    for (const part of parts(summed(additions, period), BULK)) {
      await usage[period].upsertOnce(part.map((counts) => upsertOf(counts, number)));
      await progress();
    }
  };

  const addFields = async (additions: readonly UsageAddition[], { number, progress }: Addition): Promise<void> => {
    for (const part of parts(fieldsByDay(additions), BULK)) {
      await fields.upsertOnce(
        part.map(({ keyId, start, fields: used }) => {
          const counts = Object.fromEntries([...used].map(([name, count]) => [`counts.${stored(name)}`, count]));
          return changedOnce({ keyId, start }, counts, number);
        }),
      );
      await progress();
    }
  };

  const journal = new UsageJournal({
    batches,
    state,
    async add(additions, addition) {
      // Days before hours: see foldHours.
      for (const period of ['DAY', 'HOUR', 'MINUTE'] as const) await addCounts(period, additions, addition);
      await addFields(additions, addition);
      await addToReports(additions, addition);
    },
  });

  /** The stored batches are complete: if they can't be added now, they will be with the next ones. */
  const settle = async (): Promise<void> => {
    try {
      await journal.settle();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  };
  void settle().catch(() => undefined);

  return {
    async add(batch) {
      if (batch.additions.length === 0) return;
      await journal.store(batch);
      await settle();
    },
    report,
    async read(keyIds, { from, to, by }) {
      const rows = await usage[by].find({
        keyId: where({ $in: keyIds }),
        start: where({ $gte: new Date(from), $lt: new Date(to) }),
      });
      return rows.map(({ keyId, start, requests, surplus = 0, limited, forbidden }) => ({
        keyId,
        start: start.getTime(),
        requests,
        cost: requests + surplus,
        limited,
        forbidden,
      }));
    },
    async fields(keyId, from, to) {
      const days = await fields.find({
        keyId: eq(keyId),
        start: where({ $gte: new Date(from), $lt: new Date(to) }),
      });
      return byCoordinate(days);
    },
  };
}

function upsertOf({ keyId, start, requests, cost, limited, forbidden }: UsageRecord, number: number) {
  return changedOnce({ keyId, start }, { requests, surplus: cost - requests, limited, forbidden }, number);
}

/** Increases counts, unless this addition or a later one has already done so. Records of earlier releases have no number. */
function changedOnce(
  { keyId, start }: Pick<UsageRecord, 'keyId' | 'start'>,
  counts: Readonly<Record<string, number>>,
  number: number,
) {
  return {
    updateOne: {
      filter: { keyId: eq(keyId), start: eq(new Date(start)), last: where({ $not: { $gte: number } }) },
      update: { $inc: counts, $set: { last: number } },
      upsert: true,
    },
  };
}

function byCoordinate(days: readonly FieldsDocument[]): FieldUse[] {
  const uses = new Map<string, FieldUse>();
  for (const { start, counts } of days) {
    const day = start.getTime();
    for (const [name, count] of Object.entries(counts)) {
      const { count: before = 0, first = day, last = day } = uses.get(name) ?? {};
      const coordinate = name.replace(':', '.');
      uses.set(name, { coordinate, count: before + count, first: Math.min(first, day), last: Math.max(last, day) });
    }
  }
  return [...uses.values()].sort((a, b) => (a.coordinate < b.coordinate ? -1 : 1));
}

/** Replaces the dot, which separates fields in MongoDB. A GraphQL name contains neither a dot nor a colon. */
function stored(coordinate: string): string {
  return coordinate.replace('.', ':');
}

/**
 * Sums the hours that a release without days has written into days. Call before adding usage: an existing day is not
 * changed, and since a day is written before its hours, nothing is counted twice.
 */
export async function foldHours({ HOUR: hours, DAY: days }: UsageCollections, timeout: number): Promise<void> {
  const [oldest] = await hours.find({}, { sort: { start: 1 }, limit: 1 });
  if (oldest === undefined) return;
  const start = new Date(Math.floor(oldest.start.getTime() / DAY) * DAY);
  if ((await days.findOne({ keyId: eq(oldest.keyId), start: eq(start) })) !== null) return;
  await hours.aggregate(
    [
      {
        $group: {
          _id: { keyId: '$keyId', start: { $subtract: ['$start', { $mod: [{ $toLong: '$start' }, DAY] }] } },
          requests: { $sum: '$requests' },
          surplus: { $sum: '$surplus' },
          limited: { $sum: '$limited' },
          forbidden: { $sum: '$forbidden' },
        },
      },
      // The oldest last: if its day exists, the fold was completed.
      { $sort: { '_id.start': -1 } },
      {
        $project: {
          _id: 0,
          keyId: '$_id.keyId',
          start: '$_id.start',
          requests: 1,
          surplus: 1,
          limited: 1,
          forbidden: 1,
        },
      },
      {
        $merge: {
          into: days.collectionName,
          on: ['keyId', 'start'],
          whenMatched: 'keepExisting',
          whenNotMatched: 'insert',
        },
      },
    ],
    { timeout },
  );
}
