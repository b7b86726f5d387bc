import { jest } from '@jest/globals';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import type { Tier } from '../../../src/core/store/records.js';
import { limitsTo, tableOf } from './family.js';

function at(start = 0, tiers = TIER_LIMITS): { limiter: Limiter; clock: { now: number } } {
  const clock = { now: start };
  const limiter = new Limiter({ clock: () => clock.now, tiers });
  open.push(limiter);
  return { limiter, clock };
}

const open: Limiter[] = [];
afterEach(() => {
  for (const limiter of open.splice(0)) limiter.close();
});

function subject(family: string, tier: Tier = 'FREE_TRIAL'): { family: string; tier: Tier } {
  return { family, tier };
}

describe('Limiter', () => {
  it('returns the result, the limits and the room afterwards', () => {
    const { limiter, clock } = at();
    expect(limiter.admit(subject('a'), 2)).toEqual({
      outcome: 'admitted',
      limits: TIER_LIMITS.FREE_TRIAL,
      room: {
        rate: { limit: 20, remaining: 18, returnsInMs: 60_000 },
        burst: { limit: 2, remaining: 0, returnsInMs: 1_000 },
      },
    });
    clock.now = 250;
    expect(limiter.admit(subject('a'))).toMatchObject({
      outcome: 'refused',
      window: 'burst',
      limit: 2,
      retryAfterMs: 750,
      room: { rate: { remaining: 18 } },
    });
    expect(limiter.admit(subject('a'), 3)).toMatchObject({ outcome: 'never', limit: 2 });
  });

  it('B37: parallel requests do not race the counter', async () => {
    const { limiter } = at();
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        await (index % 2 === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)));
        return limiter.admit(subject('a', 'GROWTH')).outcome;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(25);
  });

  it('counts each family separately', () => {
    const { limiter } = at();
    limiter.admit(subject('a'), 2);
    expect(limiter.admit(subject('b'), 2).outcome).toBe('admitted');
    expect(limiter.admit(subject('a')).outcome).toBe('refused');
  });

  it('applies an upgrade to the next request and keeps the usage', () => {
    const { limiter } = at();
    limiter.admit(subject('a'), 2);
    expect(limiter.admit(subject('a')).outcome).toBe('refused');
    const upgraded = limiter.admit(subject('a', 'GROWTH'), 23);
    expect(upgraded).toMatchObject({
      outcome: 'admitted',
      room: { rate: { remaining: 475 }, burst: { remaining: 0 } },
    });
  });

  it('peeks without counting or storing', () => {
    const { limiter } = at();
    for (let count = 0; count < 50; count += 1) expect(limiter.peek(subject('a')).burst.remaining).toBe(2);
    expect(limiter.size).toBe(0);
    limiter.admit(subject('a'));
    expect(limiter.peek(subject('a')).burst.remaining).toBe(1);
  });

  it('stores nothing for a request that can never fit', () => {
    const { limiter } = at();
    expect(limiter.admit(subject('a'), 3).outcome).toBe('never');
    expect(limiter.size).toBe(0);
  });

  it('removes unused families while requests for others arrive', () => {
    const { limiter, clock } = at();
    for (let family = 0; family < 1000; family += 1) limiter.admit(subject(`idle ${family}`));
    for (clock.now = 1_000; clock.now <= 120_000; clock.now += 1_000) limiter.admit(subject('busy', 'ENTERPRISE'));
    expect(limiter.size).toBe(1);
  });

  it('removes unused families of a category too', () => {
    const { limiter, clock } = at(0, tierTable({ FREE_TRIAL: { categories: { write: { rate: 5, burst: 2 } } } }));
    for (let family = 0; family < 100; family += 1) limiter.admit({ ...subject(`idle ${family}`), category: 'write' });
    for (const category of ['read', 'admin'] as const) limiter.admit({ ...subject('idle 0'), category });
    expect(limiter.size).toBe(200);
    for (clock.now = 1_000; clock.now <= 120_000; clock.now += 1_000) limiter.admit(subject('busy', 'ENTERPRISE'));
    expect(limiter.size).toBe(1);
  });

  it('removes unused families without any request', () => {
    jest.useFakeTimers();
    try {
      const { limiter, clock } = at();
      limiter.admit(subject('a'));
      clock.now = 60_000;
      jest.advanceTimersByTime(60_000);
      clock.now = 120_000;
      jest.advanceTimersByTime(60_000);
      expect(limiter.size).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('removes no unit that still counts, whenever parts are cleaned up', () => {
    for (let first = 0; first < 125_000; first += 4_999) {
      const { limiter, clock } = at();
      clock.now = first;
      for (let count = 0; count < 20; count += 1, clock.now += 500) limiter.admit(subject('a'));
      // Other calls clean up the parts. None reads `a`, which would update it.
      const gone = first + 60_000;
      for (; clock.now < gone - 1; clock.now += 997) limiter.admit(subject('other'));
      clock.now = gone - 1;
      expect(limiter.peek(subject('a')).rate.remaining).toBe(0);
      clock.now = gone;
      expect(limiter.peek(subject('a')).rate.remaining).toBe(1);
    }
  });

  it('accepts limits other than the published ones', () => {
    const limits = limitsTo(3, 3);
    const limiter = new Limiter({ clock: () => 0, tiers: tableOf(limits) });
    open.push(limiter);
    expect(limiter.admit(subject('a'), 3)).toMatchObject({ outcome: 'admitted', limits });
    expect(limiter.admit(subject('a'))).toMatchObject({ outcome: 'refused', window: 'rate', limit: 3 });
  });

  it('does not depend on the wall clock', () => {
    const limiter = new Limiter();
    open.push(limiter);
    limiter.admit(subject('a'), 2);
    const wall = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    try {
      expect(limiter.admit(subject('a')).outcome).toBe('refused');
    } finally {
      wall.mockRestore();
    }
  });

  it('can be closed twice, and is empty afterwards', () => {
    const { limiter } = at();
    limiter.admit(subject('a'));
    limiter.close();
    limiter.close();
    expect(limiter.size).toBe(0);
  });
});
