import { setImmediate as turn } from 'node:timers/promises';
import { FIELDS_KEPT, fieldsByDay, summed, USAGE_PERIODS, type UsagePeriod } from '../periods.js';
import type { FieldUse, UsageAddition, UsageRecord } from '../records.js';
import type { UsageStore } from '../store.js';
import type { Connection } from './connection.js';

/** Rows past their time that one write takes along at least; as many as it adds at most, so that it keeps up. */
const SWEPT = 1000;

const PERIODS = Object.keys(USAGE_PERIODS) as UsagePeriod[];

/** Start and counts of a period, as JSON. */
type Counts = readonly [start: number, requests: number, cost: number, limited: number, forbidden: number];

export function openUsage(connection: Connection): UsageStore {
  const add = connection.prepare(
    `INSERT INTO usage (keyId, period, start, requests, cost, limited, forbidden)
     SELECT value ->> 'keyId', $period, value ->> 'start', value ->> 'requests', value ->> 'cost', value ->> 'limited',
       value ->> 'forbidden'
     FROM json_each($counts) WHERE true
     ON CONFLICT (keyId, period, start) DO UPDATE SET requests = requests + excluded.requests,
       cost = cost + excluded.cost, limited = limited + excluded.limited, forbidden = forbidden + excluded.forbidden`,
  );
  const addFields = connection.prepare(
    `INSERT INTO usedFields (keyId, start, coordinate, count)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($uses) WHERE true
     ON CONFLICT (keyId, start, coordinate) DO UPDATE SET count = count + excluded.count`,
  );
  const sweep = connection.prepare(
    `DELETE FROM usage WHERE (keyId, period, start) IN
       (SELECT keyId, period, start FROM usage WHERE period = $period AND start <= $past LIMIT $most)`,
  );
  const sweepFields = connection.prepare(
    `DELETE FROM usedFields WHERE (keyId, start, coordinate) IN
       (SELECT keyId, start, coordinate FROM usedFields WHERE start <= $past LIMIT $most)`,
  );
  // One row for each key, as JSON: the driver spends more on a row than SQLite on what is in it.
  const read = connection.prepare<{ readonly periods: string }>(
    `SELECT json_group_array(json_array(start, requests, cost, limited, forbidden)) AS periods FROM usage
     WHERE keyId = $keyId AND period = $period AND start >= $from AND start < $to`,
  );
  const fields = connection.prepare<FieldUse>(
    `SELECT coordinate, sum(count) AS count, min(start) AS first, max(start) AS last FROM usedFields
     WHERE keyId = $keyId AND start >= $from AND start < $to GROUP BY coordinate ORDER BY coordinate`,
  );

  const write = (additions: readonly UsageAddition[], now: number): void => {
    for (const period of PERIODS) {
      const counts = summed(additions, period);
      add.run({ period, counts: JSON.stringify(counts) });
      const past = now - USAGE_PERIODS[period].kept;
      sweep.run({ period, past, most: Math.max(SWEPT, counts.length) });
    }
    const uses = fieldsByDay(additions).flatMap(({ keyId, start, fields: used }) =>
      [...used].map(([coordinate, count]) => [keyId, start, coordinate, count]),
    );
    if (uses.length > 0) addFields.run({ uses: JSON.stringify(uses) });
    sweepFields.run({ past: now - FIELDS_KEPT, most: Math.max(SWEPT, uses.length) });
  };

  return {
    async add(additions, now) {
      connection.swiftly(() => {
        write(additions, now);
      });
    },
    async read(keyIds, { from, to, by: period }) {
      const rows: UsageRecord[] = [];
      for (const keyId of keyIds) {
        const { periods } = read.one({ keyId, period, from, to }) ?? { periods: '[]' };
        for (const [start, requests, cost, limited, forbidden] of JSON.parse(periods) as Counts[]) {
          rows.push({ keyId, start, requests, cost, limited, forbidden });
        }
        // The engine runs on this thread, and a thousand periods are a millisecond: others have their turn in between.
        await turn();
      }
      return rows;
    },
    async fields(keyId, from, to) {
      return fields.all({ keyId, from, to });
    },
  };
}
