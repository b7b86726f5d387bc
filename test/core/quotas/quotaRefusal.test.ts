import { httpAnswer } from '../../../src/core/errors/http.js';
import { quotaRefusal } from '../../../src/core/quotas/quotaRefusal.js';
import { aQuota, someCredits } from './meters.js';

const NOW = Date.UTC(2027, 0, 10);
const END = Date.UTC(2027, 1, 1);
const RESETS = { resetsAt: END, resetsInMs: END - NOW };

describe('the refusal of a quota', () => {
  const state = { meter: aQuota({ limit: 5, subject: 'workspace' }), limit: 5, used: 5, remaining: 0, ...RESETS };

  test('has the limit, its use and its end, and status 429 with Retry-After', () => {
    const found = quotaRefusal(state, 1, 429);
    expect(found.message).toBe(
      'Quota exceeded: all keys of its workspace may use 5 requests per month, and 5 are used. It is renewed at 2027-02-01T00:00:00.000Z. Wait until then, or ask for more.',
    );
    expect(found.details).toEqual({
      ...{ code: 'QUOTA_EXCEEDED', limit: 5, used: 5, remaining: 0, resetsAt: '2027-02-01T00:00:00.000Z' },
      ...{ window: 'month', unit: 'requests', subject: 'workspace', retryAfter: (END - NOW) / 1000 },
    });
    const { status, headers } = httpAnswer(found);
    expect([status, headers.get('retry-after')]).toEqual([429, String((END - NOW) / 1000)]);
  });

  test('has status 402 and no Retry-After if that is set', () => {
    const { status, headers } = httpAnswer(quotaRefusal(state, 1, 402));
    expect([status, headers.size]).toEqual([402, 0]);
  });

  test('says how much an operation needs', () => {
    const found = quotaRefusal({ ...state, used: 3, remaining: 2 }, 4, 429);
    expect(found.message).toContain('and 3 are used, but this operation needs 4.');
  });

  test('is 402 for credits without a refill, because waiting never helps', () => {
    const credits = { meter: someCredits(), limit: null, used: null, remaining: 0, resetsAt: null, resetsInMs: null };
    const found = quotaRefusal(credits, 1, 429);
    expect(found.message).toBe('Not enough credits: 0 requests remain for this key. Add credits.');
    expect(httpAnswer(found).status).toBe(402);
  });
});
