import { Limiter } from '../../../src/core/limits/limiter.js';
import { refusalOf } from '../../../src/core/limits/refuse.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { limitsTo, tableOf } from './family.js';

let now = 0;
const limiter = new Limiter({
  clock: () => now,
  tiers: tierTable({ GROWTH: { burst: 60, categories: { write: { rate: 60, burst: 60 } } } }),
});
afterAll(() => limiter.close());
beforeEach(() => (now += 120_000));

const write = (cost: number) =>
  refusalOf(limiter.admit({ family: 'a', tier: 'GROWTH', category: 'write' }, cost), cost);

test('returns null for an admitted request', () => {
  expect(write(1)).toBeNull();
});

test('names the category', () => {
  write(60);
  now += 10_000;
  const refusal = write(1);
  expect(refusal?.message).toBe(
    'Rate limit exceeded: 60 write requests per 60 seconds. Try again in 50 s or ask for a higher tier.',
  );
  expect(refusal?.details).toStrictEqual({
    code: 'RATE_LIMITED',
    retryAfter: 50,
    limit: 60,
    window: 60,
    category: 'write',
  });
});

test('names no category if the tier rejected', () => {
  limiter.admit({ family: 'a', tier: 'GROWTH', category: 'read' }, 60);
  const refusal = write(1);
  expect(refusal?.message).toBe(
    'Rate limit exceeded: 60 requests per second. Try again in 1 s or ask for a higher tier.',
  );
  expect(refusal?.details).toStrictEqual({ code: 'RATE_LIMITED', retryAfter: 1, limit: 60, window: 1 });
});

test('a cost that never fits gets the lowest limit', () => {
  // The tier is named if the category allows as much.
  expect(write(61)?.details).toStrictEqual({ code: 'COST_EXCEEDS_BURST', cost: 61, burst: 60 });
  const tiers = tableOf(limitsTo(20, 25, { write: { rate: 5, burst: 9 } }));
  const slow = new Limiter({ clock: () => 0, tiers });
  const of = (category: 'read' | 'write') => refusalOf(slow.admit({ family: 'a', tier: 'GROWTH', category }, 21), 21);
  expect(of('write')?.details).toStrictEqual({ code: 'COST_EXCEEDS_BURST', cost: 21, burst: 5, category: 'write' });
  expect(of('write')?.message).toContain(
    'more than the 5 write requests that this tier allows in 60 seconds. Split it',
  );
  expect(of('read')?.message).toContain('more than the 20 that this tier allows in 60 seconds. Split it');
  slow.close();
});
