import { StoreUnavailable, Unacknowledged } from '../storeErrors.js';
import { DAY, fieldsByDay, summed, type UsagePeriod } from '../periods.js';
import type { FieldUse, UsageRecord } from '../records.js';
import type { UsageStore } from '../store.js';
import { eq, where, type Documents } from './documents.js';
import type { FieldsDocument, UsageDocument } from './schemas.js';

export const USAGE_UNIQUE = { 'keyId,start': 'usage.start' };

/** A separate collection for each period, so that each has its own expiry. */
export type UsageCollections = Readonly<Record<UsagePeriod, Documents<UsageDocument>>>;

export function openUsage(usage: UsageCollections, fields: Documents<FieldsDocument>): UsageStore {
  const addCounts = (period: UsagePeriod, counts: readonly UsageRecord[]): Promise<number> =>
    usage[period].bulkWrite(
      counts.map(({ keyId, start, requests, cost, limited, forbidden }) => ({
        updateOne: {
          filter: { keyId: eq(keyId), start: eq(new Date(start)) },
          update: { $inc: { requests, surplus: cost - requests, limited, forbidden } },
          upsert: true,
        },
      })),
    );

  return {
    async add(additions) {
      if (additions.length === 0) return;
      // Days before hours: see foldHours.
      await addCounts('DAY', summed(additions, 'DAY'));
      const days = fieldsByDay(additions);
      await afterAnother(async () => {
        await addCounts('HOUR', summed(additions, 'HOUR'));
        await addCounts('MINUTE', summed(additions, 'MINUTE'));
        if (days.length > 0)
          await fields.bulkWrite(
            days.map(({ keyId, start, fields: used }) => ({
              updateOne: {
                filter: { keyId: eq(keyId), start: eq(new Date(start)) },
                update: {
                  $inc: Object.fromEntries([...used].map(([name, count]) => [`counts.${stored(name)}`, count])),
                },
                upsert: true,
              },
            })),
          );
      });
    },
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

/** Turns StoreUnavailable into Unacknowledged, because an earlier write of the same call was made. */
async function afterAnother(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw error instanceof StoreUnavailable ? new Unacknowledged(error.cause) : error;
  }
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
