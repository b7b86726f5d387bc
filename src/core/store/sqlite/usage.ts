import { BATCHES_KEPT, FIELDS_KEPT, fieldsByDay, summed, USAGE_PERIODS, type UsagePeriod } from '../periods.js';
import type { FieldUse, UsageAddition } from '../records.js';
import type { UsageStore } from '../usageStore.js';
import type { Connection } from './connection.js';
import type { Sliced } from './sliced.js';
import { openUsageReport } from './usageReport.js';

/**
 * Minimum number of expired rows that one write may delete. If it adds more rows, it may delete as many as it adds, so
 * that it keeps up.
 */
const SWEPT = 1000;

const PERIODS = Object.keys(USAGE_PERIODS) as UsagePeriod[];

export function openUsage(connection: Connection): Omit<UsageStore, keyof Sliced['usage']> {
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
  const begin = connection.prepare('INSERT INTO usageBatches (id, at) VALUES ($id, $now) ON CONFLICT (id) DO NOTHING');
  const sweepBatches = connection.prepare(
    'DELETE FROM usageBatches WHERE id IN (SELECT id FROM usageBatches WHERE at <= $past LIMIT $most)',
  );
  const reports = openUsageReport(connection);
  const fields = connection.prepare<{ readonly coordinate: string; readonly count: number; readonly start: number }>(
    'SELECT coordinate, count, start FROM usedFields WHERE keyId = $keyId AND start >= $from AND start < $to ORDER BY start',
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
    reports.add(additions, now);
  };

  return {
    async add({ id, additions }, now) {
      connection.swiftly(() => {
        if (begin.run({ id, now }) === 0) return;
        write(additions, now);
        sweepBatches.run({ past: now - BATCHES_KEPT, most: SWEPT });
      });
    },
    report: reports.report,
    async fields(keyId, from, to) {
      const uses = new Map<string, FieldUse>();
      for (const { coordinate, count, start } of fields.all({ keyId, from, to })) {
        const { count: before = 0, first = start } = uses.get(coordinate) ?? {};
        uses.set(coordinate, { coordinate, count: before + count, first, last: start });
      }
      return [...uses.values()].sort((a, b) => (a.coordinate < b.coordinate ? -1 : 1));
    },
  };
}
