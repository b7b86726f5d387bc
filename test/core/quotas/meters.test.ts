import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Meter } from '../../../src/core/quotas/quotaMeter.js';
import { Meters, type MetersOptions } from '../../../src/core/quotas/meters.js';
import type { Amounts, Taken } from '../../../src/core/quotas/meterState.js';
import { periodOf } from '../../../src/core/quotas/period.js';
import { StoreUnavailable } from '../../../src/core/store/storeErrors.js';
import type { QuotaStore } from '../../../src/core/store/quotaStore.js';
import type { Store } from '../../../src/core/store/store.js';
import { unique } from '../store/fixtures.js';
import { openTarget } from '../store/target.js';
import { aHolder, aQuota, drained, ONE, someCredits } from './meters.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const END = Date.UTC(2027, 1, 1);

const dir = mkdtempSync(join(tmpdir(), 'latchkey-meters-'));
let store: Store;
let now = Date.UTC(2027, 0, 10);
/** The calls of the store. */
let calls = { lease: 0, giveBack: 0 };
const opened: Meters[] = [];

const counting = (quotas: QuotaStore): QuotaStore => ({
  ...quotas,
  lease: (...given) => ((calls.lease += 1), quotas.lease(...given)),
  giveBack: (...given) => ((calls.giveBack += 1), quotas.giveBack(...given)),
});

/** Returns the meters of a new process. */
function aProcess(options: Partial<MetersOptions> = {}): Meters {
  const meters = new Meters({ store: counting(store.quotas), now: () => now, ...options });
  opened.push(meters);
  return meters;
}

beforeAll(async () => {
  store = await openTarget({ engine: 'sqlite', dir, inThisThread: true });
});
beforeEach(() => {
  now = Date.UTC(2027, 0, 10);
  calls = { lease: 0, giveBack: 0 };
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((meters) => meters.close()));
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

async function took(meters: Meters, given: readonly Meter[], amounts: Amounts = ONE): Promise<Taken> {
  const result = await meters.take(given, amounts);
  if (result.outcome === 'refused') throw new Error('It was refused.');
  return result;
}

const remaining = async (meters: Meters, meter: Meter): Promise<number | undefined> =>
  (await meters.read([meter]))[0]?.remaining;

describe('taking units', () => {
  test('is synchronous and calls no store while the process has units', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 1_000_000 });
    await took(meters, [meter]);
    expect(calls.lease).toBe(1);
    expect(meters.take([meter], ONE)).toMatchObject({ outcome: 'taken' });
    expect(calls.lease).toBe(1);
  });

  test('fetches the next block before the last unit is used, so that later requests are synchronous', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 1_000_000 });
    await took(meters, [meter]);
    let waited = 0;
    let taken = 0;
    for (let i = 0; i < 10_000; i++) {
      const result = meters.take([meter], ONE);
      if (result instanceof Promise) waited += 1;
      if ((await result).outcome === 'taken') taken += 1;
      now += 1;
    }
    expect(taken).toBe(10_000);
    expect(waited).toBe(0);
    expect(calls.lease).toBeLessThan(30);
  });

  test('refuses at the limit with the use and the end of the period', async () => {
    const meter = aQuota({ limit: 3 });
    const { admitted, refusal } = await drained(aProcess(), meter);
    expect(admitted).toBe(3);
    expect(refusal.state).toEqual({ meter, limit: 3, used: 3, remaining: 0, resetsAt: END, resetsInMs: END - now });
  });

  test('refuses without a promise and without the store while the quota is known to be used up', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 3 });
    await drained(meters, meter);
    const { lease } = calls;
    expect(meters.take([meter], ONE)).toMatchObject({ outcome: 'refused' });
    now += 999;
    expect(meters.take([meter], ONE)).toMatchObject({ outcome: 'refused' });
    expect(calls.lease).toBe(lease);
    now += 1;
    await expect(meters.take([meter], ONE)).resolves.toMatchObject({ outcome: 'refused' });
    expect(calls.lease).toBe(lease + 1);
  });

  test('takes from all meters or from none', async () => {
    const meters = aProcess();
    const [wide, narrow] = [aQuota({ limit: 10 }), aQuota({ limit: 2, window: 'day' })];
    for (let i = 0; i < 2; i++) await took(meters, [wide, narrow]);
    for (let i = 0; i < 5; i++) expect((await meters.take([wide, narrow], ONE)).outcome).toBe('refused');
    expect(await remaining(meters, wide)).toBe(8);
  });

  test('reports the meter that is reset last, if several have too few units', async () => {
    const meters = aProcess();
    const [hour, month] = [aQuota({ limit: 1, window: 'hour' }), aQuota({ limit: 1 })];
    await took(meters, [hour, month]);
    expect(await meters.take([hour, month], ONE)).toMatchObject({ state: { meter: month } });
  });

  test('counts the cost for meters of cost, and nothing for operations that cost nothing', async () => {
    const meters = aProcess();
    const holder = aHolder();
    const [requests, cost] = [aQuota({ limit: 10 }, holder), aQuota({ limit: 100, unit: 'cost' }, holder)];
    await took(meters, [requests, cost], { requests: 1, cost: 60 });
    await took(meters, [requests, cost], { requests: 1, cost: 0 });
    expect((await meters.take([requests, cost], { requests: 1, cost: 41 })).outcome).toBe('refused');
    await took(meters, [requests, cost], { requests: 1, cost: 40 });
    expect(await remaining(meters, requests)).toBe(7);
    expect(await remaining(meters, cost)).toBe(0);
  });

  test('gives all of it back, once', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 5 });
    const taken = await took(meters, [meter]);
    taken.giveBack();
    taken.giveBack();
    expect((await drained(meters, meter)).admitted).toBe(5);
  });

  test('gives a part of the cost back', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 100, unit: 'cost' });
    const taken = await took(meters, [meter], { requests: 1, cost: 100 });
    taken.giveBackCost(70);
    expect(await remaining(meters, meter)).toBe(70);
    await took(meters, [meter], { requests: 1, cost: 70 });
  });

  test('reads many meters by looking at each record a fixed number of times', async () => {
    let looks = 0;
    const records = Array.from({ length: 500 }, (_, i) => ({
      get id() {
        looks += 1;
        return `quota ${i}`;
      },
      start: now,
      taken: 1,
    }));
    const meters = new Meters({
      store: { ...store.quotas, counters: async () => records },
      now: () => now,
    });
    const asked = records.map(({ id }) => ({ ...aQuota({ limit: 5 }), id }));
    looks = 0;
    expect((await meters.read(asked)).map(({ remaining }) => remaining)).toEqual(asked.map(() => 4));
    expect(looks).toBe(records.length);
    await meters.close();
  });

  test('reads thousands of meters in parts', async () => {
    const sizes: number[] = [];
    const meters = new Meters({
      store: { ...store.quotas, counters: async (ids) => (sizes.push(ids.length), store.quotas.counters(ids)) },
      now: () => now,
    });
    const asked = Array.from({ length: 2_500 }, () => aQuota({ limit: 5 }));
    expect((await meters.read(asked)).map(({ remaining }) => remaining)).toEqual(asked.map(() => 5));
    expect(sizes).toEqual([1_000, 1_000, 500]);
    await meters.close();
  });

  test('shows states from one read for a second, with what this process has taken since', async () => {
    let reads = 0;
    const meters = aProcess({
      store: { ...store.quotas, counters: async (ids) => ((reads += 1), store.quotas.counters(ids)) },
    });
    const meter = aQuota({ limit: 1_000 });
    const shown = async () => (await meters.peek([meter]))[0]?.used;
    expect([await shown(), await shown(), reads]).toEqual([0, 0, 1]);
    await took(meters, [meter]);
    expect([await shown(), await shown(), reads]).toEqual([1, 1, 2]);
    await took(aProcess(), [meter]);
    // The units of the other process count as used.
    now += 1_000;
    expect([await shown(), reads]).toEqual([9, 3]);
  });

  test.each(['read', 'peek'] as const)('%s returns the exact use while units are leased', async (operation) => {
    const meter = aQuota({ limit: 10_000 });
    let meanwhile: (() => Promise<unknown>) | null = null;
    const meters = aProcess({
      store: {
        ...store.quotas,
        async counters(ids) {
          const records = await store.quotas.counters(ids);
          await meanwhile?.();
          meanwhile = null;
          return records;
        },
      },
    });
    for (let i = 0; i < 5; i++) await took(meters, [meter]);
    // The block is used up, and another one is leased.
    meanwhile = () => Promise.all(Array.from({ length: 40 }, () => took(meters, [meter])));
    expect((await meters[operation]([meter]))[0]?.used).toBe(45);
  });

  test('gives back at most the cost that was taken', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 100, unit: 'cost' });
    const taken = await took(meters, [meter], { requests: 1, cost: 10 });
    taken.giveBackCost(4);
    taken.giveBackCost(50);
    expect(await remaining(meters, meter)).toBe(100);
  });

  test('drops what is given back after the period has ended', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 5, window: 'hour' });
    const taken = await took(meters, [meter], { requests: 5, cost: 0 });
    now += HOUR;
    await took(meters, [meter]);
    taken.giveBack();
    expect((await drained(meters, meter)).admitted).toBe(4);
  });

  test('leases once for concurrent requests', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 50 });
    const results = await Promise.all(Array.from({ length: 80 }, async () => meters.take([meter], ONE)));
    expect(results.filter(({ outcome }) => outcome === 'taken')).toHaveLength(50);
    expect(calls.lease).toBeLessThanOrEqual(3);
  });

  test('leases only one block for a request, next to a request that needs more than the remaining units', async () => {
    const [meters, other] = [aProcess(), aProcess()];
    const meter = aQuota({ limit: 10_000, unit: 'cost' });
    const outcomes = await Promise.all(
      [1, 20_000, 10_000].map(async (cost) => (await meters.take([meter], { requests: 1, cost })).outcome),
    );
    expect(outcomes).toEqual(['taken', 'refused', 'refused']);
    expect(await remaining(other, meter)).toBeGreaterThan(9_900);
  });

  test('leases what each of several large requests needs', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 10_000, unit: 'cost' });
    const outcomes = await Promise.all(
      [4_000, 5_000, 3_000, 1_000, 10].map(async (cost) => (await meters.take([meter], { requests: 1, cost })).outcome),
    );
    expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(4);
    expect(await remaining(meters, meter)).toBe(10_000 - 4_000 - 3_000 - 1_000 - 10);
  });

  test('leases for many keys with one call', async () => {
    const meters = aProcess();
    await Promise.all(Array.from({ length: 150 }, () => took(meters, [aQuota({ limit: 10 })])));
    expect(calls.lease).toBe(1);
  });

  test('rejects if the store is away, and works again afterwards', async () => {
    let isAway = true;
    const meter = aQuota({ limit: 5 });
    const meters = aProcess({
      store: {
        ...store.quotas,
        lease: (...given) =>
          isAway ? Promise.reject(new StoreUnavailable(new Error('away'))) : store.quotas.lease(...given),
      },
    });
    await expect(meters.take([meter], ONE)).rejects.toThrow(StoreUnavailable);
    isAway = false;
    expect((await drained(meters, meter)).admitted).toBe(5);
  });

  test('keeps a limited number of counters, and returns the units of others', async () => {
    const meters = aProcess({ maxCounters: 10 });
    const given = Array.from({ length: 50 }, () => aQuota({ limit: 10_000 }));
    for (const meter of given) {
      await took(meters, [meter]);
      expect(meters.size).toBeLessThanOrEqual(10);
    }
    await meters.close();
    for (const meter of given) expect(await remaining(aProcess(), meter)).toBe(9_999);
  });

  test('returns the units of idle counters', async () => {
    const [one, other] = [aProcess(), aProcess()];
    const meter = aQuota({ limit: 10_000 });
    await took(one, [meter]);
    expect(await remaining(other, meter)).toBe(9_992);
    one.retireIdle();
    one.retireIdle();
    await took(other, [meter]);
    await other.close();
    expect(await remaining(aProcess(), meter)).toBe(9_998);
  });
});

test('credits that were leased just before a refill end with it, even if they arrive later', async () => {
  const meter = someCredits({ refill: { amount: 3, every: 'day' } });
  const late = aProcess({
    store: {
      ...store.quotas,
      lease: async (...given) => {
        const leased = await store.quotas.lease(...given);
        now = Date.UTC(2027, 0, 11);
        return leased;
      },
    },
  });
  now = Date.UTC(2027, 0, 11) - 1;
  await took(late, [meter]);
  expect((await drained(aProcess(), meter)).admitted).toBe(2);
  expect((await drained(late, meter)).admitted).toBe(0);
});

describe('thresholds', () => {
  test('are reported once in a period for 80 % and for 100 %', async () => {
    const told: unknown[] = [];
    const onThreshold: MetersOptions['onThreshold'] = (meter, percent, resetsAt) =>
      void told.push([meter.id, percent, resetsAt]);
    const meter = aQuota({ limit: 10, window: 'day' });
    const processes = [aProcess({ onThreshold }), aProcess({ onThreshold })];
    for (let i = 0; i < 14; i++) await processes[i % 2]?.take([meter], ONE);
    const end = Date.UTC(2027, 0, 11);
    expect(told).toEqual([
      [meter.id, 80, end],
      [meter.id, 100, end],
    ]);
    now += DAY;
    for (let i = 0; i < 8; i++) await processes[i % 2]?.take([meter], ONE);
    expect(told.slice(2)).toEqual([[meter.id, 80, end + DAY]]);
  });
});

describe('published complaints about quotas', () => {
  test('P06: a quota is not lost on restart, nor given again', async () => {
    const meter = aQuota({ limit: 10 });
    const first = aProcess();
    for (let i = 0; i < 4; i++) await took(first, [meter]);
    await first.close();
    expect((await drained(aProcess(), meter)).admitted).toBe(6);
  });

  test('P04: requests that are refused are not charged', async () => {
    const meters = aProcess();
    const meter = aQuota({ limit: 10, unit: 'cost' });
    for (let i = 0; i < 20; i++) {
      expect((await meters.take([meter], { requests: 1, cost: 11 })).outcome).toBe('refused');
    }
    expect(await remaining(meters, meter)).toBe(10);
  });

  test('P03: credits are refilled on the last day of a short month, and not in the next one', async () => {
    const meter = someCredits({ refill: { amount: 3, every: 'month', anchorDay: 31 } });
    now = Date.UTC(2027, 0, 31);
    const meters = aProcess();
    const admitted = async (): Promise<number> => (await drained(meters, meter)).admitted;
    expect(await admitted()).toBe(3);
    now = Date.parse('2027-02-27T23:59:59.999Z');
    expect(await admitted()).toBe(0);
    now = Date.parse('2027-02-28T00:00:00Z');
    expect(await admitted()).toBe(3);
    now = Date.parse('2027-03-30T23:59:59.999Z');
    expect(await admitted()).toBe(0);
    now = Date.parse('2027-03-31T00:00:00Z');
    expect(await admitted()).toBe(3);
  });

  test('P05: the use of a quota is kept when its limit rises, and refused when it falls below the use', async () => {
    const holder = aHolder();
    const meters = aProcess();
    const small = aQuota({ limit: 4 }, holder);
    expect((await drained(meters, small)).admitted).toBe(4);
    const large = aQuota({ limit: 10 }, holder);
    expect((await drained(meters, large)).admitted).toBe(6);
    expect(await meters.take([small], ONE)).toMatchObject({ outcome: 'refused', state: { limit: 4, used: 10 } });
  });

  test('P07: units that were leased under a higher limit are not admitted after it ends', async () => {
    const holder = aHolder();
    const meters = aProcess();
    const [small, large] = [aQuota({ limit: 4 }, holder), aQuota({ limit: 10_000 }, holder)];
    for (let i = 0; i < 3; i += 1) await took(meters, [large]);
    // The process has five more units of its block.
    await took(meters, [small]);
    expect(await meters.take([small], ONE)).toMatchObject({ outcome: 'refused', state: { used: 4, remaining: 0 } });
    await meters.close();
    expect((await drained(aProcess(), large)).admitted).toBe(10_000 - 4);
  });

  test('P05: the blocks of several processes do not exceed a limit that was lowered', async () => {
    const holder = aHolder();
    const [one, other] = [aProcess(), aProcess()];
    const processes = [one, other];
    const large = aQuota({ limit: 1_000_000 }, holder);
    // The blocks grow with the pace.
    for (let i = 0; i < 5_000; i++) for (const meters of processes) await took(meters, [large]);
    const small = aQuota({ limit: 11_000 }, holder);
    const admitted = await Promise.all(processes.map(async (meters) => (await drained(meters, small)).admitted));
    expect((admitted[0] ?? 0) + (admitted[1] ?? 0)).toBe(1_000);
    const { lease, giveBack } = calls;
    await took(one, [large]);
    for (let i = 0; i < 100; i++) {
      expect((await one.take([small], ONE)).outcome).toBe('refused');
      await took(one, [large]);
    }
    // Keys with both limits don't take the block from each other.
    expect(calls.lease + calls.giveBack - lease - giveBack).toBeLessThan(10);
  });

  test('P02: credits are shared by the keys of a rotation, not copied', async () => {
    const credits = { refill: { amount: 4, every: 'month' } } as const;
    const old = aHolder();
    const successor = { ...old, keyId: unique('key') };
    const meters = aProcess();
    await took(meters, [someCredits(credits, old)]);
    expect((await drained(meters, someCredits(credits, successor))).admitted).toBe(3);
  });

  test('P01: the keys of one owner share the quota of the owner', async () => {
    const owner = { ownerId: unique('usr'), workspaceId: unique('ws') };
    const meters = aProcess();
    const admitted: number[] = [];
    for (let key = 0; key < 3; key++) {
      const meter = aQuota({ limit: 5, subject: 'owner' }, aHolder(owner));
      for (let i = 0; i < 2; i++) admitted.push((await meters.take([meter], ONE)).outcome === 'taken' ? 1 : 0);
    }
    expect(admitted).toEqual([1, 1, 1, 1, 1, 0]);
  });
});

describe('several processes that crash and stop', () => {
  type Step =
    | { readonly kind: 'take'; readonly process: number; readonly amount: number; readonly keeps: boolean }
    | { readonly kind: 'crash' | 'stop' | 'idle'; readonly process: number }
    | { readonly kind: 'wait'; readonly time: number };

  const process = fc.nat({ max: 2 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        kind: fc.constant('take' as const),
        process,
        amount: fc.integer({ min: 1, max: 4 }),
        keeps: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash', 'stop', 'idle'), process }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        time: fc.constantFrom(10, 500, 5_000, HOUR, 13 * HOUR, DAY, 27 * DAY, 31 * DAY),
      }),
    },
  );
  const from = fc.constantFrom(
    ...['2027-01-31T00:00:00Z', '2028-02-28T23:59:00Z', '2028-02-29T12:00:00Z', '2026-12-31T23:59:59.900Z'],
    ...['2027-06-15T11:59:59Z', '2100-02-28T23:00:00Z'],
  );

  /** Runs the steps. Returns what was admitted by period, and whether a process has crashed. */
  async function run(meter: Meter, begin: string, steps: readonly Step[], keyOf: () => number) {
    now = Date.parse(begin);
    const processes = [aProcess(), aProcess(), aProcess()];
    const admitted = new Map<number, number>();
    for (const each of steps) {
      if (each.kind === 'wait') {
        now += each.time;
        continue;
      }
      const meters = processes[each.process];
      if (meters === undefined) continue;
      if (each.kind === 'take') {
        const result = await meters.take([meter], { requests: each.amount, cost: 0 });
        if (result.outcome === 'refused') continue;
        if (each.keeps) admitted.set(keyOf(), (admitted.get(keyOf()) ?? 0) + each.amount);
        else result.giveBack();
      } else if (each.kind === 'idle') {
        meters.retireIdle();
        meters.retireIdle();
      } else {
        if (each.kind === 'stop') await meters.close();
        processes[each.process] = aProcess();
      }
    }
    for (const meters of processes) await meters.close();
    return admitted;
  }

  test('never admit more than a quota in any period, and lose nothing unless they crash', async () => {
    const quota = fc.record({
      limit: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 200, max: 700 })),
      window: fc.constantFrom('hour', 'day', 'month'),
      anchorDay: fc.constantFrom(1, 15, 29, 30, 31),
    });
    await fc.assert(
      fc.asyncProperty(quota, from, fc.array(step, { minLength: 20, maxLength: 80 }), async (given, begin, steps) => {
        const meter = aQuota(given);
        const key = (): number => periodOf(given.window, now, given.anchorDay).start;
        const admitted = await run(meter, begin, steps, key);
        for (const count of admitted.values()) expect(count).toBeLessThanOrEqual(given.limit);
        if (steps.some(({ kind }) => kind === 'crash')) return;
        const used = admitted.get(key()) ?? 0;
        expect((await drained(aProcess(), meter)).admitted).toBe(given.limit - used);
      }),
      { numRuns: 15 },
    );
  }, 180_000);

  test('never admit more credits than there were, whatever is refilled', async () => {
    const amount = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(amount, from, fc.array(step, { minLength: 20, maxLength: 80 }), async (given, begin, steps) => {
        const meter = someCredits({ refill: { amount: given, every: 'day' } });
        const day = (): number => periodOf('day', now).start;
        const admitted = await run(meter, begin, steps, day);
        for (const count of admitted.values()) expect(count).toBeLessThanOrEqual(given);
        if (steps.some(({ kind }) => kind === 'crash')) return;
        const left = given - (admitted.get(day()) ?? 0);
        expect((await drained(aProcess(), meter)).admitted).toBe(left);
      }),
      { numRuns: 15 },
    );
  }, 180_000);
});
