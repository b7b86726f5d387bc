import fc from 'fast-check';
import { StoreUnavailable, Unacknowledged } from '../../../src/store/errors.js';
import { USAGE_RETENTION, type UsageRecord } from '../../../src/store/records.js';
import type { UsageSpan } from '../../../src/store/store.js';
import type { Bench } from '../conformance.js';
import { NOW, unique } from '../fixtures.js';
import { runTogether } from '../processes.js';
import { openTarget } from '../target.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
// Of the real clock, for MongoDB lets counts expire by its own.
const TODAY = Math.floor(Date.now() / DAY) * DAY;

const HOURS: UsageSpan = { from: TODAY, to: TODAY + DAY, length: HOUR };

function counts(
  keyId: string,
  start: number,
  [requests, limited, forbidden]: readonly [number, number, number] = [1, 0, 0],
): UsageRecord {
  return { keyId, start, requests, limited, forbidden };
}

function inOrder(rows: readonly UsageRecord[]): UsageRecord[] {
  return rows.toSorted((a, b) => a.keyId.localeCompare(b.keyId) || a.start - b.start);
}

export function testUsage({ store, target, runs }: Bench): void {
  const read = async (keyIds: readonly string[], span: UsageSpan): Promise<UsageRecord[]> =>
    inOrder(await store().usage.read(keyIds, span));

  describe('usage', () => {
    test('adds up by key and hour', async () => {
      const [a, b] = [unique('key_a'), unique('key_b')];
      await store().usage.add([], NOW);
      await store().usage.add([counts(a, TODAY, [3, 2, 1]), counts(b, TODAY, [5, 0, 0])], NOW);
      await store().usage.add([counts(a, TODAY, [10, 20, 30]), counts(a, TODAY + HOUR, [0, 0, 7])], NOW);
      expect(await read([a, b, unique('key')], HOURS)).toEqual([
        counts(a, TODAY, [13, 22, 31]),
        counts(a, TODAY + HOUR, [0, 0, 7]),
        counts(b, TODAY, [5, 0, 0]),
      ]);
      expect(await read([], HOURS)).toEqual([]);
    });

    test('is read from the first moment to before the last, and of the keys asked for alone', async () => {
      const [a, b] = [unique('key_a'), unique('key_b')];
      const all = [a, b].flatMap((id) => [-1, 0, 1, 2].map((hour) => counts(id, TODAY + hour * HOUR)));
      await store().usage.add(all, NOW);
      expect(await read([a], { from: TODAY, to: TODAY + 2 * HOUR, length: HOUR })).toEqual([
        counts(a, TODAY),
        counts(a, TODAY + HOUR),
      ]);
    });

    test('is summed by day where days are asked for', async () => {
      const key = unique('key');
      const hours = [-1, 0, 23, 24].map((hour) => counts(key, TODAY + hour * HOUR, [2 ** 40, hour + 1, 1]));
      await store().usage.add(hours, NOW);
      expect(await read([key], { from: TODAY - DAY, to: TODAY + 2 * DAY, length: DAY })).toEqual([
        counts(key, TODAY - DAY, [2 ** 40, 0, 1]),
        counts(key, TODAY, [2 ** 41, 25, 2]),
        counts(key, TODAY + DAY, [2 ** 40, 25, 1]),
      ]);
    });

    test('sums to what was added, whatever was added in which order', async () => {
      const addition = fc.record({
        key: fc.nat(2),
        hour: fc.integer({ min: -30, max: 30 }),
        by: fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(addition, { maxLength: 20 }), fc.constantFrom(HOUR, DAY), async (all, length) => {
          const keys = [unique('key_a'), unique('key_b'), unique('key_c')];
          const sums = new Map<string, UsageRecord>();
          for (const { key, hour, by } of all) {
            const keyId = keys[key] ?? '';
            const start = TODAY + hour * HOUR;
            await store().usage.add([counts(keyId, start, by)], NOW);
            const period = Math.floor(start / length) * length;
            const { requests, limited, forbidden } = sums.get(`${keyId} ${period}`) ?? counts('', 0, [0, 0, 0]);
            const sum = counts(keyId, period, [requests + by[0], limited + by[1], forbidden + by[2]]);
            sums.set(`${keyId} ${period}`, sum);
          }
          const rows = await read(keys, { from: TODAY - 2 * DAY, to: TODAY + 2 * DAY, length });
          expect(rows).toEqual(inOrder([...sums.values()]));
        }),
        { numRuns: runs },
      );
    });

    // The upsert of a record that is not yet there is where two writers are easiest to lose one of.
    test('of calls at once and of several processes adds up exactly', async () => {
      const keyIds = Array.from({ length: 20 }, () => unique('key'));
      const job = { kind: 'count', keyIds, start: TODAY, times: 10 } as const;
      const own = Array.from({ length: 10 }, () =>
        store().usage.add(
          keyIds.map((id) => counts(id, TODAY, [1, 2, 3])),
          NOW,
        ),
      );
      await Promise.all([...own, runTogether(target(), [job, job, job])]);
      const rows = await read(keyIds, HOURS);
      expect(rows).toEqual(inOrder(keyIds.map((id) => counts(id, TODAY, [40, 80, 120]))));
    });

    test('outlives the process, and a closed store says that nothing was written', async () => {
      const key = unique('key');
      const second = await openTarget(target());
      await second.usage.add([counts(key, TODAY)], NOW);
      await second.close();
      const refusal: unknown = await second.usage.add([counts(key, TODAY)], NOW).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StoreUnavailable);
      expect(refusal).not.toBeInstanceOf(Unacknowledged);
      await expect(second.usage.read([key], HOURS)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(await read([key], HOURS)).toEqual([counts(key, TODAY)]);
    });

    test('is kept for as long as it is promised', async () => {
      const key = unique('key');
      const now = TODAY + DAY - 1;
      const oldest = TODAY - USAGE_RETENTION + DAY;
      await store().usage.add([counts(key, oldest)], now);
      await store().usage.add([counts(unique('key'), TODAY)], now);
      expect(await read([key], { from: oldest, to: TODAY + DAY, length: DAY })).toEqual([counts(key, oldest)]);
    });
  });
}
