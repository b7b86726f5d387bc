import { tierTable } from '../../../src/core/limits/tierTable.js';
import type { Credits, Quota } from '../../../src/core/quotas/quota.js';

const QUOTA: Quota = { window: 'month', unit: 'requests', limit: 10, subject: 'key', anchorDay: 31 };
const CREDITS: Credits = { unit: 'cost', subject: 'owner', refill: { amount: 5, every: 'month', anchorDay: 15 } };

const faultOf = (limits: object): string => {
  try {
    tierTable({ GROWTH: limits });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the quotas of a tier', () => {
  test('are empty by default', () => {
    const { GROWTH } = tierTable();
    expect([GROWTH.quotas, GROWTH.credits]).toEqual([[], null]);
  });

  test('are frozen copies of valid ones', () => {
    const { GROWTH } = tierTable({
      GROWTH: { quotas: [QUOTA, { ...QUOTA, subject: 'owner', limit: null }], credits: CREDITS },
    });
    expect(GROWTH.quotas).toEqual([QUOTA, { ...QUOTA, subject: 'owner', limit: null }]);
    expect(GROWTH.credits).toEqual(CREDITS);
    expect([GROWTH.quotas, GROWTH.quotas[0], GROWTH.credits, GROWTH.credits?.refill].every(Object.isFrozen)).toBe(true);
  });

  test.each([
    [{ quotas: [{ ...QUOTA, window: 'week' }] }, 'tiers.GROWTH.quotas[0].window'],
    [{ quotas: [{ ...QUOTA, unit: 'bytes' }] }, 'tiers.GROWTH.quotas[0].unit'],
    [{ quotas: [{ ...QUOTA, subject: 'user' }] }, 'tiers.GROWTH.quotas[0].subject'],
    [{ quotas: [{ ...QUOTA, limit: 0 }] }, 'tiers.GROWTH.quotas[0].limit'],
    [{ quotas: [{ ...QUOTA, limit: 2 ** 31 }] }, 'tiers.GROWTH.quotas[0].limit'],
    [{ quotas: [{ ...QUOTA, anchorDay: 32 }] }, 'tiers.GROWTH.quotas[0].anchorDay'],
    [{ quotas: [{ ...QUOTA, window: 'day' }] }, 'tiers.GROWTH.quotas[0].anchorDay'],
    [{ quotas: [QUOTA, { ...QUOTA, limit: 5 }] }, 'tiers.GROWTH.quotas[1] has the window, unit and subject'],
    [{ quotas: [{ ...QUOTA, perMinute: 1 }] }, 'tiers.GROWTH.quotas[0]'],
    [{ quotas: {} }, 'tiers.GROWTH.quotas'],
    [{ quotas: Array.from({ length: 13 }, () => QUOTA) }, 'tiers.GROWTH.quotas'],
    [{ credits: { ...CREDITS, unit: 'euros' } }, 'tiers.GROWTH.credits.unit'],
    [{ credits: { ...CREDITS, refill: { amount: 0, every: 'day' } } }, 'tiers.GROWTH.credits.refill.amount'],
    [
      { credits: { ...CREDITS, refill: { amount: 1, every: 'day', anchorDay: 3 } } },
      'tiers.GROWTH.credits.refill.anchorDay',
    ],
  ])('are refused with the name of the invalid field: %j', (limits, name) => {
    expect(faultOf(limits)).toContain(name);
  });
});
