import type { UsageRecord } from '../records.js';
import type { UsageStore } from '../store.js';
import { eq, where, type Documents } from './documents.js';
import type { UsageDocument } from './schemas.js';

export const USAGE_UNIQUE = { 'keyId,start': 'usage.start' };

export function openUsage(usage: Documents<UsageDocument>): UsageStore {
  return {
    async add(counts) {
      if (counts.length === 0) return;
      await usage.bulkWrite(
        counts.map(({ keyId, start, requests, limited, forbidden }) => ({
          updateOne: {
            filter: { keyId: eq(keyId), start: eq(new Date(start)) },
            update: { $inc: { requests, limited, forbidden } },
            upsert: true,
          },
        })),
      );
    },
    async read(keyIds, { from, to, length }) {
      const start = { $subtract: ['$start', { $mod: [{ $toLong: '$start' }, length] }] };
      const sums = await usage.aggregate<Omit<UsageRecord, 'start'> & { readonly start: Date }>([
        { $match: { keyId: where({ $in: keyIds }), start: where({ $gte: new Date(from), $lt: new Date(to) }) } },
        {
          $group: {
            _id: { keyId: '$keyId', start },
            requests: { $sum: '$requests' },
            limited: { $sum: '$limited' },
            forbidden: { $sum: '$forbidden' },
          },
        },
        { $project: { _id: 0, keyId: '$_id.keyId', start: '$_id.start', requests: 1, limited: 1, forbidden: 1 } },
      ]);
      return sums.map((row) => ({ ...row, start: row.start.getTime() }));
    },
  };
}
