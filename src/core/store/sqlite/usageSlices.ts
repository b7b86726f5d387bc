import type { UsageRecord } from '../records.js';
import type { Connection } from './connection.js';
import type { UsageSlices } from './slices.js';

/** Start and counts of a period, as JSON. */
type Counts = readonly [start: number, requests: number, cost: number, limited: number, forbidden: number];

export function openUsageSlices(connection: Connection): UsageSlices {
  // One row for each key, as JSON: the driver's overhead for a row is larger than SQLite's for its content.
  const read = connection.prepare<{ readonly periods: string }>(
    `SELECT json_group_array(json_array(start, requests, cost, limited, forbidden)) AS periods FROM usage
     WHERE keyId = $keyId AND period = $period AND start >= $from AND start < $to`,
  );
  return {
    usage({ keyIds, span: { from, to, by: period } }) {
      const rows: UsageRecord[] = [];
      for (const keyId of keyIds) {
        const { periods } = read.one({ keyId, period, from, to }) ?? { periods: '[]' };
        for (const [start, requests, cost, limited, forbidden] of JSON.parse(periods) as Counts[]) {
          rows.push({ keyId, start, requests, cost, limited, forbidden });
        }
      }
      return rows;
    },
  };
}
