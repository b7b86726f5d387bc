import { setImmediate as turn } from 'node:timers/promises';
import { USAGE_RETENTION, type UsageRecord } from '../records.js';
import type { UsageStore } from '../store.js';
import type { Connection } from './connection.js';

/** Rows past their time that one write takes along: more than can come in between two, and few enough to cost nothing. */
const SWEPT = 1000;

/** Start and sums of a period, as JSON. */
type Sums = readonly [start: number, requests: number, limited: number, forbidden: number];

export function openUsage(connection: Connection): UsageStore {
  const add = connection.prepare(
    `INSERT INTO usage (keyId, start, requests, limited, forbidden)
     SELECT value ->> 'keyId', value ->> 'start', value ->> 'requests', value ->> 'limited', value ->> 'forbidden'
     FROM json_each($counts) WHERE true
     ON CONFLICT (keyId, start) DO UPDATE SET requests = requests + excluded.requests,
       limited = limited + excluded.limited, forbidden = forbidden + excluded.forbidden`,
  );
  const sweep = connection.prepare(
    `DELETE FROM usage WHERE (keyId, start) IN (SELECT keyId, start FROM usage WHERE start <= $past LIMIT ${SWEPT})`,
  );
  // One row for each key, as JSON: the driver spends more on a row than SQLite on the sums in it. Period by period, each
  // a stretch of the index; a GROUP BY over all hours would sort them first and take three times as long.
  const read = connection.prepare<{ readonly periods: string }>(
    `SELECT json_group_array(json(sums)) AS periods FROM (
       SELECT (
         SELECT json_array(json_each.value, sum(requests), sum(limited), sum(forbidden)) FROM usage
         WHERE keyId = $keyId AND start >= json_each.value AND start < json_each.value + $length
         HAVING count(*) > 0
       ) AS sums FROM json_each($starts)
     ) WHERE sums IS NOT NULL`,
  );

  return {
    async add(counts, now) {
      connection.transaction(() => {
        add.run({ counts: JSON.stringify(counts) });
        sweep.run({ past: now - USAGE_RETENTION });
      });
    },
    async read(keyIds, { from, to, length }) {
      const starts: number[] = [];
      for (let start = from; start < to; start += length) starts.push(start);
      const rows: UsageRecord[] = [];
      for (const keyId of keyIds) {
        const { periods } = read.one({ keyId, length, starts: JSON.stringify(starts) }) ?? { periods: '[]' };
        for (const [start, requests, limited, forbidden] of JSON.parse(periods) as Sums[]) {
          rows.push({ keyId, start, requests, limited, forbidden });
        }
        // The engine runs on this thread, and 90 days of one key are a millisecond: others have their turn in between.
        await turn();
      }
      return rows;
    },
  };
}
