import fc from 'fast-check';
import { StoreUnavailable, Unacknowledged } from '../../../../src/core/store/storeErrors.js';
import { FIELDS_KEPT, USAGE_PERIODS, type UsagePeriod } from '../../../../src/core/store/periods.js';
import type { FieldUse, UsageRecord } from '../../../../src/core/store/records.js';
import type { UsageSpan } from '../../../../src/core/store/usageStore.js';
import type { Bench } from './bench.js';
import { aBatch, NOW, unique } from '../fixtures.js';
import { runTogether } from '../processes.js';
import { openTarget } from '../target.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Uses the real time, because MongoDB expires counts by its own clock.
const TODAY = Math.floor(Date.now() / DAY) * DAY;

const PERIODS = ['MINUTE', 'HOUR', 'DAY'] as const;

const HOURS: UsageSpan = { from: TODAY, to: TODAY + DAY, by: 'HOUR' };

function counts(
  keyId: string,
  start: number,
  [requests, limited, forbidden, cost = 2 * requests]: readonly [number, number, number, number?] = [1, 0, 0],
): UsageRecord {
  return { keyId, start, requests, cost, limited, forbidden };
}

const fieldsOf = (keyId: string, start: number, fields: Record<string, number>) => ({
  ...counts(keyId, start),
  fields: new Map(Object.entries(fields)),
});

function inOrder(rows: readonly UsageRecord[]): UsageRecord[] {
  return rows.toSorted((a, b) => a.keyId.localeCompare(b.keyId) || a.start - b.start);
}

export function testUsage({ store, target, runs }: Bench): void {
  const read = async (keyIds: readonly string[], span: UsageSpan): Promise<UsageRecord[]> =>
    inOrder(await store().usage.read(keyIds, span));

  describe('usage', () => {
    test('adds up by key and period', async () => {
      const [a, b] = [unique('key_a'), unique('key_b')];
      await store().usage.add(aBatch([]), NOW);
      await store().usage.add(aBatch([counts(a, TODAY, [3, 2, 1]), counts(b, TODAY, [5, 0, 0])]), NOW);
      await store().usage.add(aBatch([counts(a, TODAY, [10, 20, 30]), counts(a, TODAY + HOUR, [0, 0, 7])]), NOW);
      expect(await read([a, b, unique('key')], HOURS)).toEqual([
        counts(a, TODAY, [13, 22, 31]),
        counts(a, TODAY + HOUR, [0, 0, 7]),
        counts(b, TODAY, [5, 0, 0]),
      ]);
      expect(await read([], HOURS)).toEqual([]);
    });

    test('reads from the first time to before the last, only for the given keys', async () => {
      const [a, b] = [unique('key_a'), unique('key_b')];
      const all = [a, b].flatMap((id) => [-1, 0, 1, 2].map((hour) => counts(id, TODAY + hour * HOUR)));
      await store().usage.add(aBatch(all), NOW);
      expect(await read([a], { from: TODAY, to: TODAY + 2 * HOUR, by: 'HOUR' })).toEqual([
        counts(a, TODAY),
        counts(a, TODAY + HOUR),
      ]);
    });

    test('is summed by minute, hour and day', async () => {
      const key = unique('key');
      const minutes = [-1, 0, 59, 60, 23 * 60, 24 * 60];
      await store().usage.add(
        aBatch(minutes.map((minute, i) => counts(key, TODAY + minute * MINUTE, [2 ** 40, i, 1, 2 ** 42]))),
        NOW,
      );
      const span = { from: TODAY - DAY, to: TODAY + 2 * DAY };
      expect(await read([key], { ...span, by: 'DAY' })).toEqual([
        counts(key, TODAY - DAY, [2 ** 40, 0, 1, 2 ** 42]),
        counts(key, TODAY, [2 ** 42, 10, 4, 2 ** 44]),
        counts(key, TODAY + DAY, [2 ** 40, 5, 1, 2 ** 42]),
      ]);
      expect((await read([key], { ...span, by: 'HOUR' })).map(({ start, limited }) => [start, limited])).toEqual([
        [TODAY - HOUR, 0],
        [TODAY, 3],
        [TODAY + HOUR, 3],
        [TODAY + 23 * HOUR, 4],
        [TODAY + DAY, 5],
      ]);
      expect((await read([key], { ...span, by: 'MINUTE' })).map(({ start }) => start)).toEqual(
        minutes.map((minute) => TODAY + minute * MINUTE),
      );
    });

    test('sums are correct for any additions in any order', async () => {
      const addition = fc.record({
        key: fc.nat(2),
        minute: fc.integer({ min: -1_600, max: 1_600 }),
        by: fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(addition, { maxLength: 20 }),
          fc.constantFrom<UsagePeriod>(...PERIODS),
          async (all, by) => {
            const keys = [unique('key_a'), unique('key_b'), unique('key_c')];
            const sums = new Map<string, UsageRecord>();
            for (const { key, minute, by: added } of all) {
              const keyId = keys[key] ?? '';
              const start = TODAY + minute * MINUTE;
              await store().usage.add(aBatch([counts(keyId, start, added)]), NOW);
              const { length } = USAGE_PERIODS[by];
              const period = Math.floor(start / length) * length;
              const { requests, limited, forbidden } = sums.get(`${keyId} ${period}`) ?? counts('', 0, [0, 0, 0]);
              const sum = counts(keyId, period, [requests + added[0], limited + added[1], forbidden + added[2]]);
              sums.set(`${keyId} ${period}`, sum);
            }
            const rows = await read(keys, { from: TODAY - 2 * DAY, to: TODAY + 2 * DAY, by });
            expect(rows).toEqual(inOrder([...sums.values()]));
          },
        ),
        { numRuns: runs },
      );
    });

    test('survives a restart, and a closed store says that nothing was written', async () => {
      const key = unique('key');
      const second = await openTarget(target());
      await second.usage.add(aBatch([counts(key, TODAY)]), NOW);
      await second.close();
      const refusal: unknown = await second.usage
        .add(aBatch([counts(key, TODAY)]), NOW)
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StoreUnavailable);
      expect(refusal).not.toBeInstanceOf(Unacknowledged);
      await expect(second.usage.read([key], HOURS)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await read([key], HOURS)).toEqual([counts(key, TODAY)]);
    });

    test.each(PERIODS)('by %s is kept for as long as documented', async (by) => {
      const key = unique('key');
      const { length, kept } = USAGE_PERIODS[by];
      const now = Date.now();
      // With a margin of some minutes, because MongoDB's own clock advances meanwhile.
      const oldest = Math.floor((now + 10 * MINUTE - kept) / length + 1) * length;
      await store().usage.add(aBatch([counts(key, oldest)]), now);
      await store().usage.add(aBatch([counts(unique('key'), TODAY)]), now);
      expect(await read([key], { from: oldest, to: TODAY + DAY, by })).toEqual([counts(key, oldest)]);
    });

    describe('of fields', () => {
      const ofDays = (keyId: string, from = TODAY - DAY, to = TODAY + 2 * DAY) => store().usage.fields(keyId, from, to);
      const use = (coordinate: string, count: number, first = TODAY, last = first): FieldUse => ({
        coordinate,
        count,
        first,
        last,
      });

      test('adds up by key and day, in the order of coordinates', async () => {
        const [a, b] = [unique('key_a'), unique('key_b')];
        await store().usage.add(
          aBatch([
            fieldsOf(a, TODAY - MINUTE, { 'Query.b': 1 }),
            fieldsOf(a, TODAY + MINUTE, { 'Query.b': 2, 'Query.a': 3, Asset: 1 }),
            fieldsOf(a, TODAY + HOUR, { 'Query.b': 4 }),
            fieldsOf(b, TODAY, { 'Query.b': 100 }),
            counts(b, TODAY + MINUTE),
          ]),
          NOW,
        );
        await store().usage.add(aBatch([fieldsOf(a, TODAY + DAY, { 'Query.a': 5 })]), NOW);
        expect(await ofDays(a)).toEqual([
          use('Asset', 1),
          use('Query.a', 8, TODAY, TODAY + DAY),
          use('Query.b', 7, TODAY - DAY, TODAY),
        ]);
        expect(await ofDays(b)).toEqual([use('Query.b', 100)]);
        expect(await ofDays(unique('key'))).toEqual([]);
        expect(await read([a], { from: TODAY, to: TODAY + DAY, by: 'DAY' })).toEqual([counts(a, TODAY, [2, 0, 0])]);
      });

      test('reads only the given days', async () => {
        const key = unique('key');
        const days = [-1, 0, 1].map((day) => fieldsOf(key, TODAY + day * DAY, { [`Query.day${day + 1}`]: 1 }));
        await store().usage.add(aBatch(days), NOW);
        expect(await ofDays(key, TODAY, TODAY + DAY)).toEqual([use('Query.day1', 1)]);
      });

      // GraphQL allows these names, and both engines' languages give them a meaning.
      test('accepts any name that GraphQL accepts', async () => {
        const key = unique('key');
        const names = ['A.__proto__', 'A.constructor', 'A._id', 'A.toString', 'A._0', '__proto__'];
        const fields = new Map(names.map((name, i) => [name, i + 1]));
        await store().usage.add(aBatch([{ ...counts(key, TODAY), fields }]), NOW);
        expect(new Map((await ofDays(key)).map(({ coordinate, count }) => [coordinate, count]))).toEqual(fields);
      });

      test('concurrent calls lose nothing', async () => {
        const key = unique('key');
        const call = () => store().usage.add(aBatch([fieldsOf(key, TODAY, { 'Query.a': 1, 'Query.b': 2 })]), NOW);
        await Promise.all(Array.from({ length: 10 }, call));
        expect(await ofDays(key)).toEqual([use('Query.a', 10), use('Query.b', 20)]);
      });

      test('is kept for as long as documented', async () => {
        const key = unique('key');
        const oldest = TODAY + DAY - FIELDS_KEPT;
        await store().usage.add(aBatch([fieldsOf(key, oldest, { 'Query.a': 1 })]), TODAY + DAY - 1);
        await store().usage.add(aBatch([counts(unique('key'), TODAY)]), TODAY + DAY - 1);
        expect(await ofDays(key, oldest)).toEqual([use('Query.a', 1, oldest)]);
      });
    });
  });
}

export function testUsageByProcesses({ store, target }: Bench): void {
  // The upsert of a new record is where concurrent writes are lost most easily.
  test('concurrent calls of several processes add up exactly', async () => {
    const keyIds = Array.from({ length: 5 }, () => unique('key'));
    // All of them insert the same documents. On DocumentDB, a collision can take a second, so there are few documents.
    const job = { kind: 'count', keyIds, start: TODAY, times: 2 } as const;
    const own = Array.from({ length: 2 }, () =>
      store().usage.add(aBatch(keyIds.map((id) => counts(id, TODAY, [1, 2, 3, 4]))), NOW),
    );
    await Promise.all([...own, runTogether(target(), [job, job, job])]);
    const rows = await store().usage.read(keyIds, HOURS);
    expect(inOrder(rows)).toEqual(inOrder(keyIds.map((id) => counts(id, TODAY, [8, 16, 24, 32]))));
  });
}
