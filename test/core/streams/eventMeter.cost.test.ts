import type { AuthenticatedPrincipal } from '../../../src/core/auth/principal.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { EventMeter } from '../../../src/core/streams/eventMeter.js';
import { keyWith } from '../../bypass/own.js';

const KEY = keyWith(['read:orders']) as AuthenticatedPrincipal;

test('takes the estimate of each event in cost units, and gives back the difference', async () => {
  const tiers = tierTable({ ENTERPRISE: { cost: { max: 50, rate: 100, burst: 100 } } });
  const limits = new Limiter({ clock: () => 1_000, tiers });
  const left = (): number => limits.peek({ family: KEY.familyId, tier: KEY.tier }, 'cost').rate.remaining;
  const refused: string[] = [];
  const meter = new EventMeter({
    ...{ limits, cost: 1, units: 40, category: 'read' as const },
    admitted: () => undefined,
    refused: (_, { details }) => refused.push(details.code),
  });
  await meter.take(KEY);
  expect(left()).toBe(60);
  meter.settle(15);
  expect(left()).toBe(85);
  // It was given back once, and only the difference.
  meter.settle(1);
  expect(left()).toBe(85);
  await meter.take(KEY);
  meter.settle(60);
  expect(left()).toBe(45);
  await meter.take(KEY);
  await expect(meter.take(KEY)).rejects.toMatchObject({ details: { code: 'RATE_LIMITED', unit: 'cost' } });
  expect(refused).toEqual(['RATE_LIMITED']);
  limits.close();
});
