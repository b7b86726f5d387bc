import type { UsageAddition } from '../records.js';
import type { UsageStore } from '../usageStore.js';
import {
  cappedAdditions,
  isCapped,
  MOST_COUNTED,
  REPORT_PERIODS,
  reportAdditions,
  rowName,
  valuesName,
  type ReportAddition,
  type ReportPeriod,
  type ReportRow,
} from '../usageReport.js';
import type { Connection } from './connection.js';

/** Minimum number of expired rows that one write may delete. If it adds more rows, it may delete as many as it adds. */
const SWEPT = 1000;

const COUNTS = [
  'requests',
  'cost',
  'queryCost',
  'limited',
  'forbidden',
] as const satisfies readonly (keyof ReportRow)[];

interface UsageReports extends Pick<UsageStore, 'report'> {
  /** Adds to the reports of the workspaces. Call it in a transaction. */
  add(additions: readonly UsageAddition[], now: number): void;
}

export function openUsageReport(connection: Connection): UsageReports {
  const known = connection.prepare<{ readonly i: number }>(
    `SELECT json_each.key AS i FROM json_each($rows) WHERE EXISTS (SELECT 1 FROM usageReport
       WHERE workspaceId = json_each.value ->> 'workspaceId' AND period = json_each.value ->> 'period'
         AND dimension = json_each.value ->> 'dimension' AND start = json_each.value ->> 'start'
         AND value = json_each.value ->> 'value' AND projectId = json_each.value ->> 'projectId')`,
  );
  const count = connection.prepare<{ readonly total: number }>(
    `SELECT count(*) AS total FROM usageReport
     WHERE workspaceId = $workspaceId AND period = $period AND dimension = $dimension AND start = $start`,
  );
  const add = connection.prepare(
    `INSERT INTO usageReport (workspaceId, period, dimension, start, value, projectId, requests, cost, queryCost, limited,
       forbidden)
     SELECT value ->> 'workspaceId', value ->> 'period', value ->> 'dimension', value ->> 'start', value ->> 'value',
       value ->> 'projectId', value ->> 'requests', value ->> 'cost', value ->> 'queryCost', value ->> 'limited',
       value ->> 'forbidden'
     FROM json_each($rows) WHERE true
     ON CONFLICT (workspaceId, period, dimension, start, value, projectId) DO UPDATE SET
       ${COUNTS.map((name) => `${name} = min(${name} + excluded.${name}, ${MOST_COUNTED})`).join(', ')}`,
  );
  const sweep = connection.prepare(
    `DELETE FROM usageReport WHERE (workspaceId, period, dimension, start, value, projectId) IN
       (SELECT workspaceId, period, dimension, start, value, projectId FROM usageReport
        WHERE period = $period AND start <= $past LIMIT $most)`,
  );
  const read = connection.prepare<ReportRow>(
    `SELECT start, value, projectId, requests, cost, queryCost, limited, forbidden FROM usageReport
     WHERE workspaceId = $workspaceId AND period = $by AND dimension = $dimension
       AND (start, value, projectId) > ($start, $value, $projectId) AND start < $to
     ORDER BY start, value, projectId LIMIT $first`,
  );

  /** Returns the names of the rows that exist. */
  const existing = (rows: readonly ReportAddition[]): Set<string> => {
    const found = known.all({ rows: JSON.stringify(rows) });
    return new Set(found.flatMap(({ i }) => rows[i] ?? []).map(rowName));
  };

  const capped = (rows: readonly ReportAddition[]): ReportAddition[] => {
    const doubtful = rows.filter(isCapped);
    const names = existing(doubtful);
    const counts = new Map<string, number>();
    for (const row of doubtful) {
      if (names.has(rowName(row)) || counts.has(valuesName(row))) continue;
      const { workspaceId, period, dimension, start } = row;
      counts.set(valuesName(row), count.one({ workspaceId, period, dimension, start })?.total ?? 0);
    }
    return cappedAdditions(rows, names, counts);
  };

  return {
    add(additions, now) {
      const rows = capped(reportAdditions(additions));
      if (rows.length > 0) add.run({ rows: JSON.stringify(rows) });
      for (const period of Object.keys(REPORT_PERIODS) as ReportPeriod[]) {
        const past = now - REPORT_PERIODS[period].kept;
        sweep.run({ period, past, most: Math.max(SWEPT, rows.length) });
      }
    },
    async report(workspaceId, { dimension, by, from, to, after, first }) {
      // No row starts between two periods.
      const { start, value, projectId } = after ?? { start: from - 1, value: '', projectId: '' };
      return read.all({ workspaceId, by, dimension, start, value, projectId, to, first });
    },
  };
}
