import type { ReportedUsage, UsageAddition, UsageCounts } from '../../../../src/core/store/records.js';
import type { ReportQuery } from '../../../../src/core/store/usageStore.js';
import {
  MAX_VALUES,
  NONE,
  OTHER,
  REPORT_PERIODS,
  reportStart,
  type ReportDimension,
  type ReportPeriod,
  type ReportPlace,
  type ReportRow,
} from '../../../../src/core/store/usageReport.js';
import type { Bench } from './bench.js';
import { aBatch, unique } from '../fixtures.js';
import { startChild } from '../processes.js';
import { openTarget } from '../target.js';
import { countedBatch } from '../countedBatch.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Uses the real time, because MongoDB expires counts by its own clock.
const TODAY = Math.floor(Date.now() / DAY) * DAY;

const PERIODS = Object.keys(REPORT_PERIODS) as ReportPeriod[];

function counts([requests, limited = 0, forbidden = 0]: readonly [number, number?, number?]): UsageCounts {
  return { requests, cost: 2 * requests, queryCost: 10 * requests, limited, forbidden };
}

interface Given extends Partial<Pick<ReportedUsage, 'projectId' | 'ownerId'>> {
  readonly keyId?: string;
  readonly start?: number;
  readonly by: readonly [number, number?, number?];
  readonly operations?: readonly string[];
  readonly roots?: readonly string[];
}

function addition(workspaceId: string, given: Given): UsageAddition {
  const { keyId = 'key_a', start = TODAY, by, projectId = null, ownerId = null } = given;
  const each = counts(by);
  const named = (names: readonly string[]) => new Map(names.map((name) => [name, each]));
  const { operations = ['Assets'], roots = ['Query.assets'] } = given;
  const { queryCost, ...own } = each;
  const report = { workspaceId, projectId, ownerId, queryCost, operations: named(operations), roots: named(roots) };
  return { keyId, start, ...own, report };
}

const reading =
  (store: Bench['store']) =>
  (ws: string, dimension: ReportDimension, more: Partial<ReportQuery> = {}) =>
    store().usage.report(ws, {
      ...{ dimension, by: 'DAY', from: TODAY - 40 * DAY, to: TODAY + 2 * DAY, after: null, first: 1_000 },
      ...more,
    });

/** Returns how often {@link countedBatch} was added, and checks that each part was added as often. */
async function totalOf({ store }: Bench, ws: string): Promise<number> {
  const read = reading(store);
  const rows = await Promise.all(
    PERIODS.flatMap((by) =>
      (['total', 'owner', 'key', 'operation', 'root'] as const).map((dimension) => read(ws, dimension, { by })),
    ),
  );
  const sums = rows.map((each) => each.reduce((sum, { requests }) => sum + requests, 0));
  // Every part of the batch was added, or none.
  expect(new Set(sums).size).toBe(1);
  const [sum = 0] = sums;
  const keyIds = Array.from({ length: 20 }, (_, i) => `${ws}_${i}`);
  const span = { from: TODAY, to: TODAY + DAY };
  for (const by of ['MINUTE', 'HOUR', 'DAY'] as const) {
    const own = await store().usage.read(keyIds, { ...span, by });
    expect(own.reduce((requests, row) => requests + row.requests, 0)).toBe(sum);
  }
  const fields = await Promise.all(keyIds.map((keyId) => store().usage.fields(keyId, span.from, span.to)));
  expect(fields.flat().reduce((uses, { count }) => uses + count, 0)).toBe(sum);
  return sum / 20;
}

export function testUsageReport(bench: Bench): void {
  const { store, target } = bench;
  const read = reading(store);
  const briefly = (rows: readonly ReportRow[]) =>
    rows.map(({ value, projectId, requests }) => [value, projectId, requests]);
  const add = (...additions: readonly UsageAddition[]) => store().usage.add(aBatch(additions), Date.now());

  describe('usage report', () => {
    test('adds up by project, owner, key, operation name and root field', async () => {
      const ws = unique('ws');
      await add(
        addition(ws, { by: [1, 2, 3], projectId: 'prj_a', ownerId: 'usr_a' }),
        addition(ws, { by: [10], keyId: 'key_b', operations: ['Assets', 'Other'], roots: ['Query.b'] }),
        addition(unique('ws'), { by: [1_000] }),
      );
      await add(addition(ws, { by: [100], projectId: 'prj_a', ownerId: 'usr_a', start: TODAY + 3 * HOUR }));
      expect(await read(ws, 'total')).toEqual([
        { start: TODAY, value: '', projectId: NONE, ...counts([10]) },
        { start: TODAY, value: '', projectId: 'prj_a', ...counts([101, 2, 3]) },
      ]);
      expect(briefly(await read(ws, 'owner'))).toEqual([
        [NONE, NONE, 10],
        ['usr_a', 'prj_a', 101],
      ]);
      expect(briefly(await read(ws, 'key'))).toEqual([
        ['key_a', 'prj_a', 101],
        ['key_b', NONE, 10],
      ]);
      expect(briefly(await read(ws, 'operation'))).toEqual([
        ['Assets', NONE, 10],
        ['Assets', 'prj_a', 101],
        ['Other', NONE, 10],
      ]);
      expect(briefly(await read(ws, 'root'))).toEqual([
        ['Query.assets', 'prj_a', 101],
        ['Query.b', NONE, 10],
      ]);
    });

    test('stops at the largest number, so that no batch with the usage of other workspaces fails', async () => {
      const [ws, other] = [unique('ws'), unique('ws')];
      const most = Number.MAX_SAFE_INTEGER;
      const given = addition(ws, { by: [1] });
      const none = new Map<string, UsageCounts>();
      const report = { workspaceId: ws, projectId: null, ownerId: null, operations: none, roots: none };
      const dear = { ...given, report: { ...report, queryCost: most } };
      // More than 2^63 in all.
      await add(...Array.from({ length: 1_100 }, () => dear), addition(other, { by: [1] }));
      await add(dear, addition(other, { by: [1] }));
      const [row] = await read(ws, 'key');
      expect(row?.requests).toBe(1_101);
      expect(row?.queryCost).toBeGreaterThanOrEqual(most);
      expect((await read(other, 'key')).map(({ requests }) => requests)).toEqual([2]);
    });

    test('has hours, days and calendar months in UTC', async () => {
      const ws = unique('ws');
      const month = reportStart(TODAY, 'MONTH');
      await add(
        addition(ws, { by: [1], start: month - MINUTE }),
        addition(ws, { by: [10], start: month }),
        addition(ws, { by: [100], start: month + HOUR }),
        addition(ws, { by: [1_000], start: month + DAY }),
      );
      const starts = async (by: ReportPeriod) =>
        (await read(ws, 'total', { by, from: month - 40 * DAY })).map(({ start, requests }) => [
          start - month,
          requests,
        ]);
      expect(await starts('HOUR')).toEqual([
        [-HOUR, 1],
        [0, 10],
        [HOUR, 100],
        [DAY, 1_000],
      ]);
      expect(await starts('DAY')).toEqual([
        [-DAY, 1],
        [0, 110],
        [DAY, 1_000],
      ]);
      expect(await starts('MONTH')).toEqual([
        [reportStart(month - 1, 'MONTH') - month, 1],
        [0, 1_110],
      ]);
    });

    test('is read in pages that neither repeat nor miss a row', async () => {
      const ws = unique('ws');
      const keys = Array.from({ length: 7 }, (_, i) => `key ${i}|é/%`);
      await add(
        ...keys.flatMap((keyId) =>
          [0, 1].flatMap((day) =>
            [null, 'prj_a'].map((projectId) => addition(ws, { keyId, projectId, by: [1], start: TODAY + day * DAY })),
          ),
        ),
      );
      const all = await read(ws, 'key');
      // A key is in one project, and one minute of it is given once. Here it is only a value.
      expect(all).toHaveLength(28);
      const found: ReportRow[] = [];
      for (let after: ReportPlace | null = null; ;) {
        const page: readonly ReportRow[] = await read(ws, 'key', { after, first: 3 });
        found.push(...page);
        if (page.length < 3) break;
        after = page.at(-1) ?? null;
      }
      expect(found).toEqual(all);
      expect(new Set(all.map(({ value }) => value))).toEqual(new Set(keys));
      expect(all.map(({ start }) => start)).toEqual(all.map(({ start }) => start).toSorted((a, b) => a - b));
      // All rows of one start and value follow each other.
      expect(
        all.filter(({ start, value }, i) => start !== all[i - 1]?.start || value !== all[i - 1]?.value),
      ).toHaveLength(14);
      expect(await read(ws, 'key', { from: TODAY + DAY })).toHaveLength(14);
      expect(await read(ws, 'key', { to: TODAY + DAY })).toHaveLength(14);
      expect(await read(unique('ws'), 'key')).toEqual([]);
    });

    test('counts names of operations beyond the maximum together, and known names separately', async () => {
      const ws = unique('ws');
      const names = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => `O${String(from + i).padStart(4, '0')}`);
      await add(addition(ws, { by: [1], operations: names(0, MAX_VALUES - 1) }));
      await add(addition(ws, { by: [1], operations: names(1_000, 3), keyId: 'key_b' }));
      await add(addition(ws, { by: [1], operations: [...names(0, 2), ...names(2_000, 5), NONE], keyId: 'key_c' }));
      const rows = new Map((await read(ws, 'operation')).map(({ value, requests }) => [value, requests]));
      expect(rows.size).toBe(MAX_VALUES + 2);
      expect([rows.get('O0000'), rows.get('O0002'), rows.get('O1000'), rows.get('O1001')]).toEqual([
        2,
        1,
        1,
        undefined,
      ]);
      expect([rows.get(OTHER), rows.get(NONE)]).toEqual([7, 1]);
      for (const by of ['HOUR', 'MONTH'] as const)
        expect(await read(ws, 'operation', { by })).toHaveLength(MAX_VALUES + 2);
    });

    test.each(PERIODS)('by %s is kept for as long as documented', async (by) => {
      const ws = unique('ws');
      const now = Date.now();
      // With a margin, because MongoDB's own clock advances meanwhile.
      const kept = reportStart(now - REPORT_PERIODS[by].kept + 32 * DAY, by);
      await store().usage.add(aBatch([addition(ws, { by: [1], start: kept })]), now);
      await add(addition(unique('ws'), { by: [1] }));
      expect(await read(ws, 'total', { by, from: kept, to: kept + 1 })).toHaveLength(1);
    });
  });

  describe('a batch of usage', () => {
    test('is added once, however often processes send it', async () => {
      const ws = unique('ws');
      const second = await openTarget(target());
      const stores = [store(), second, store(), second];
      await Promise.all(stores.map((each) => each.usage.add(countedBatch(ws, TODAY, 1), Date.now())));
      await store().usage.add(countedBatch(ws, TODAY, 1), Date.now());
      await store().usage.add(countedBatch(ws, TODAY, 2), Date.now());
      expect(await totalOf(bench, ws)).toBe(2);
      await second.close();
    });
  });
}

export function testUsageReportByProcesses(bench: Bench): void {
  const { target } = bench;
  describe('a batch of usage', () => {
    test.each([3, 8, 15])('killed after %i: is counted once, and completely or not at all', async (count) => {
      const ws = unique('ws');
      const child = await startChild(target(), { kind: 'usage', workspaceId: ws, start: TODAY });
      child.go();
      await child.answered(count);
      await child.kill();
      const acknowledged = child.answers.length;
      const reopened = await openTarget(target());
      // Completes a batch that was stored and not yet added.
      await reopened.usage.add(aBatch([addition(unique('ws'), { by: [1] })]), Date.now());
      expect([acknowledged, acknowledged + 1]).toContain(await totalOf(bench, ws));
      // The next process sends what may not have been added.
      for (let number = 0; number <= acknowledged; number++) {
        await reopened.usage.add(countedBatch(ws, TODAY, number), Date.now());
      }
      expect(await totalOf(bench, ws)).toBe(acknowledged + 1);
      await reopened.close();
    });
  });
}
