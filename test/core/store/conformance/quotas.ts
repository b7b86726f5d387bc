import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Meter } from '../../../../src/core/quotas/quotaMeter.js';
import { ADDITIONS_KEPT, COUNTERS_KEPT, MAX_BALANCE } from '../../../../src/core/store/quotaStore.js';
import type { CreditAddition, CreditLease, QuotaLease, QuotaStore } from '../../../../src/core/store/quotaStore.js';
import { aHolder, aQuota, drained, leastAdmitted, someCredits } from '../../quotas/meters.js';
import { Meters } from '../../../../src/core/quotas/meters.js';
import { givenWorkspace, NOW, unique } from '../fixtures.js';
import { until } from '../../../support/until.js';
import { startChild } from '../processes.js';
import type { Bench } from './bench.js';

const END = NOW + 1_000;

export function testQuotas({ store }: Bench): void {
  const quotas = (): QuotaStore => store().quotas;
  const aLease = (fields: Partial<QuotaLease> = {}): QuotaLease => ({
    ...{ kind: 'quota', id: unique('quota'), workspaceId: 'ws', start: NOW, end: END, limit: 100, least: 1, most: 10 },
    ...fields,
  });
  const aDraw = (fields: Partial<CreditLease> = {}): CreditLease => ({
    ...{ kind: 'credits', id: unique('credits'), workspaceId: 'ws', least: 1, most: 10, refill: null },
    ...fields,
  });
  const lease = async (each: QuotaLease | CreditLease) => {
    const [leased] = await quotas().lease([each], NOW);
    return leased;
  };

  describe('leases of a quota', () => {
    test('are granted until the limit, and then only if there are enough units', async () => {
      const given = aLease({ limit: 25 });
      const period = { start: NOW, end: END };
      expect(await lease(given)).toEqual({ ...period, granted: 10, left: 15, crossed: [] });
      expect(await lease(given)).toEqual({ ...period, granted: 10, left: 5, crossed: [80] });
      expect(await lease({ ...given, least: 6 })).toEqual({ ...period, granted: 0, left: 5, crossed: [] });
      expect(await lease({ ...given, least: 5 })).toEqual({ ...period, granted: 5, left: 0, crossed: [100] });
      expect(await lease(given)).toEqual({ ...period, granted: 0, left: 0, crossed: [] });
      expect(await quotas().counters([given.id, 'none'])).toEqual([{ id: given.id, start: NOW, taken: 25 }]);
    });

    test('report both thresholds if one lease reaches them, once in a period', async () => {
      const given = aLease({ limit: 5 });
      expect((await lease(given))?.crossed).toEqual([80, 100]);
      await quotas().giveBack([{ ...given, amount: 5 }]);
      expect((await lease(given))?.crossed).toEqual([]);
      expect((await lease({ ...given, start: END, end: END + 1_000 }))?.crossed).toEqual([80, 100]);
    });

    test('start at 0 in a new period, and never return to an earlier one', async () => {
      const given = aLease({ limit: 10 });
      expect((await lease(given))?.granted).toBe(10);
      const later = { start: END, end: END + 500 };
      expect(await lease({ ...given, ...later, most: 3 })).toEqual({ ...later, granted: 3, left: 7, crossed: [] });
      // Of a process whose clock is behind.
      expect(await lease({ ...given, most: 3 })).toEqual({ ...later, granted: 3, left: 4, crossed: [] });
    });

    test('follow a limit that changes, and keep the use', async () => {
      const given = aLease({ limit: 10 });
      await lease(given);
      expect(await lease({ ...given, limit: 4 })).toMatchObject({ granted: 0, left: -6 });
      expect(await lease({ ...given, limit: 12 })).toMatchObject({ granted: 2, left: 0 });
    });

    test('that are given back can be leased again, but not in a later period', async () => {
      const given = aLease({ limit: 10 });
      await lease(given);
      await quotas().giveBack([{ ...given, amount: 4 }]);
      expect(await lease(given)).toMatchObject({ granted: 4, left: 0 });
      await lease({ ...given, start: END, end: END + 500 });
      await quotas().giveBack([{ ...given, amount: 10 }]);
      expect(await lease({ ...given, start: END, end: END + 500 })).toMatchObject({ granted: 0 });
    });

    test('of concurrent calls never exceed the limit together', async () => {
      const given = aLease({ limit: 55, most: 3 });
      const all = await Promise.all(Array.from({ length: 30 }, () => lease(given)));
      expect(all.reduce((sum, each) => sum + (each?.granted ?? 0), 0)).toBe(55);
      expect(all.flatMap((each) => each?.crossed ?? []).sort()).toEqual([100, 80]);
    });

    test('are independent of each other in one call', async () => {
      const [one, other, draw] = [aLease({ limit: 1 }), aLease(), aDraw({ refill: { amount: 7, at: NOW } })];
      const leased = await quotas().lease([one, other, draw, one], NOW);
      expect(leased.map(({ granted }) => granted).slice(1, 3)).toEqual([10, 7]);
      expect((leased[0]?.granted ?? 0) + (leased[3]?.granted ?? 0)).toBe(1);
    });
  });

  describe('credits', () => {
    const anAddition = (id: string, fields: Partial<CreditAddition> = {}): CreditAddition => ({
      ...{ id, workspaceId: 'ws', subject: 'key_1', amount: 20, key: unique('add'), at: NOW, refill: null },
      ...fields,
    });
    const balanceOf = async (id: string): Promise<number | undefined> => (await quotas().balances([id]))[0]?.balance;

    test('start at 0 without a refill', async () => {
      const draw = aDraw();
      expect(await lease(draw)).toEqual({ granted: 0, left: 0, start: 0, end: null, crossed: [] });
      expect(await quotas().balances([draw.id])).toEqual([]);
    });

    test('that were added can be leased, never more than the balance', async () => {
      const draw = aDraw();
      expect(await quotas().addCredits(anAddition(draw.id, { amount: 12 }))).toEqual({ outcome: 'added', balance: 12 });
      expect(await lease(draw)).toEqual({ granted: 10, left: 2, start: 0, end: null, crossed: [] });
      expect(await lease({ ...draw, least: 3 })).toMatchObject({ granted: 0, left: 2 });
      expect(await lease(draw)).toMatchObject({ granted: 2, left: 0 });
      expect(await lease(draw)).toMatchObject({ granted: 0, left: 0 });
      await quotas().giveBack([{ ...draw, start: 0, amount: 5 }]);
      expect(await quotas().balances([draw.id])).toEqual([{ id: draw.id, balance: 5, refilledAt: 0 }]);
    });

    test('are raised to the amount of the refill once in a period, and a higher balance stays', async () => {
      const draw = aDraw({ most: 4, refill: { amount: 10, at: NOW } });
      expect(await lease(draw)).toMatchObject({ granted: 4, left: 6, start: NOW });
      expect(await lease(draw)).toMatchObject({ granted: 4, left: 2 });
      expect(await lease({ ...draw, refill: { amount: 10, at: END } })).toMatchObject({ left: 6, start: END });
      await quotas().addCredits(anAddition(draw.id, { amount: 50, refill: { amount: 10, at: END } }));
      expect(await lease({ ...draw, refill: { amount: 10, at: END + 1 } })).toMatchObject({ left: 52 });
      // Of a process whose clock is behind.
      expect(await lease(draw)).toMatchObject({ left: 48, start: END + 1 });
    });

    test('that were leased before a refill count only beyond what it added', async () => {
      const draw = aDraw({ refill: { amount: 10, at: NOW } });
      expect(await lease(draw)).toMatchObject({ granted: 10, left: 0 });
      const next = { ...draw, most: 1, refill: { amount: 10, at: END } };
      expect(await lease(next)).toMatchObject({ left: 9 });
      await quotas().giveBack([{ ...draw, start: NOW, amount: 7 }]);
      expect(await balanceOf(draw.id)).toBe(9);
      await quotas().giveBack([{ ...draw, start: NOW, amount: 5 }]);
      expect(await balanceOf(draw.id)).toBe(11);
      await quotas().giveBack([{ ...draw, start: END, amount: 1 }]);
      expect(await balanceOf(draw.id)).toBe(12);
      // Two refills later.
      await lease({ ...next, refill: { amount: 10, at: END + 1 } });
      await quotas().giveBack([{ ...draw, start: NOW, amount: 1 }]);
      expect(await balanceOf(draw.id)).toBe(11);
    });

    test('are added once for each key of the caller, also by concurrent calls', async () => {
      const { id } = aDraw();
      const given = anAddition(id, { amount: 3 });
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => quotas().addCredits(given)));
      expect(outcomes.map((each) => each !== 'authorEnded' && each.outcome).sort()).toEqual([
        'added',
        ...Array.from({ length: 4 }, () => 'repeated'),
      ]);
      expect(await quotas().addCredits({ ...given, amount: 9 })).toEqual({
        outcome: 'repeated',
        balance: 3,
        amount: 3,
      });
    });

    test("are added after a refill that is due, which then doesn't take them", async () => {
      const { id } = aDraw();
      const refill = { amount: 10, at: NOW };
      expect(await quotas().addCredits(anAddition(id, { amount: 5, refill }))).toMatchObject({ balance: 15 });
      expect(await quotas().balances([id])).toEqual([{ id, balance: 15, refilledAt: NOW }]);
    });

    test('never exceed the largest balance', async () => {
      const { id } = aDraw();
      await quotas().addCredits(anAddition(id, { amount: MAX_BALANCE - 1 }));
      expect(await quotas().addCredits(anAddition(id, { amount: 2 }))).toEqual({
        outcome: 'tooMuch',
        balance: MAX_BALANCE - 1,
      });
      expect(await quotas().addCredits(anAddition(id, { amount: 1 }))).toMatchObject({ balance: MAX_BALANCE });
    });

    test('have an audit entry for each addition', async () => {
      const workspaceId = await givenWorkspace(store());
      const { id } = aDraw();
      const given = anAddition(id, { workspaceId, amount: 6, key: 'invoice 7' });
      await quotas().addCredits(given);
      await quotas().addCredits(given);
      await quotas().addCredits(anAddition(id, { workspaceId, amount: 1, key: 'invoice 8' }));
      const entries = await store().audit.list(workspaceId, {
        first: 5,
        before: null,
        filter: { actions: ['credits.added'] },
      });
      expect(entries.map(({ subject, before, after }) => ({ subject, before, after }))).toEqual([
        { subject: 'key_1', before: { balance: 6 }, after: { balance: 7, amount: 1, key: 'invoice 8' } },
        { subject: 'key_1', before: { balance: 0 }, after: { balance: 6, amount: 6, key: 'invoice 7' } },
      ]);
    });

    test('remember a limited number of additions', async () => {
      const { id } = aDraw();
      const first = anAddition(id, { amount: 1 });
      await quotas().addCredits(first);
      for (let i = 1; i < ADDITIONS_KEPT; i++) await quotas().addCredits(anAddition(id, { amount: 1 }));
      expect(await quotas().addCredits(first)).toMatchObject({ outcome: 'repeated' });
      await quotas().addCredits(anAddition(id, { amount: 1 }));
      expect(await quotas().addCredits(first)).toMatchObject({ outcome: 'added', balance: ADDITIONS_KEPT + 2 });
    });
  });

  test('counters are kept for a week after the end of their period', () => {
    expect(COUNTERS_KEPT).toBe(7 * 24 * 3_600_000);
  });
}

/** Tests with processes that are killed while they take units. */
export function testQuotasByProcesses({ store, target }: Bench): void {
  const LIMIT = 5_000;
  const KILLS = 2;

  let dir = '';
  beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'latchkey-quotas-'))));
  afterAll(() => rmSync(dir, { recursive: true }));
  /** The number of units that all processes with this file have taken. */
  const takenIn = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const drains = async (meter: Meter, file: string, more: { readonly together: number; readonly most?: number }) => {
    const child = await startChild(target(), { kind: 'drain', meter, file, ...more });
    child.go();
    return child;
  };

  test.each([
    ['a quota', () => aQuota({ limit: LIMIT })],
    ['credits', () => someCredits({ refill: { amount: LIMIT, every: 'month' } })],
  ] as const)(
    'processes that are killed under load never admit more than %s',
    async (_, aMeter) => {
      const meter = aMeter();
      const file = join(dir, unique('taken'));
      const children = [await drains(meter, file, { together: 20 }), await drains(meter, file, { together: 20 })];
      for (let kill = 1; kill <= KILLS; kill++) {
        await until(() => takenIn(file) >= (LIMIT * kill) / (KILLS + 2));
        await children.shift()?.kill();
        children.push(await drains(meter, file, { together: 20 }));
      }
      await Promise.all(children.map((child) => child.end()));
      expect(takenIn(file)).toBeLessThanOrEqual(LIMIT);
      expect(takenIn(file)).toBeGreaterThanOrEqual(leastAdmitted(LIMIT, KILLS, 20));
      const meters = new Meters({ store: store().quotas, now: Date.now });
      expect((await drained(meters, meter)).admitted).toBe(0);
      await meters.close();
    },
    240_000,
  );

  test('units that a process returns when it stops can be used by another one', async () => {
    const meter = aQuota({ limit: 5_000 }, aHolder());
    const file = join(dir, unique('taken'));
    await (await drains(meter, file, { together: 1, most: 1_001 })).end();
    const meters = new Meters({ store: store().quotas, now: Date.now });
    expect((await drained(meters, meter)).admitted).toBe(5_000 - takenIn(file));
    await meters.close();
  }, 120_000);
}
