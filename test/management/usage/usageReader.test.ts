import { DAY, HOUR, type UsagePeriod } from '../../../src/core/store/periods.js';
import type { UsageRecord } from '../../../src/core/store/records.js';
import type { UsageSpan } from '../../../src/core/store/usageStore.js';
import { UsageReader } from '../../../src/management/usage/usageReader.js';

const NOON = Date.UTC(2026, 2, 1, 12);

let reads: { readonly keyIds: readonly string[]; readonly span: UsageSpan }[];
let reader: UsageReader;
beforeEach(() => {
  reads = [];
  reader = new UsageReader(
    {
      async read(keyIds, span): Promise<UsageRecord[]> {
        reads.push({ keyIds, span });
        return keyIds
          .toReversed()
          .map((keyId) => ({ keyId, start: NOON, requests: 1, cost: 4, limited: 2, forbidden: 3 }));
      },
    },
    NOON,
  );
});

const keys = (n: number): string[] => Array.from({ length: n }, (_, i) => `key_${i}`);

/** The last hours, as many as given. */
const hours = (n: number) => ({ from: NOON - (n - 1) * HOUR, to: null, by: 'HOUR' as const });
const usual = (by: UsagePeriod) => ({ from: null, to: null, by });

test('reads a page of keys at once, and returns the usage of each key', async () => {
  const page = await Promise.all(keys(100).map((id) => reader.load(id, hours(168))));
  expect(reads).toEqual([{ keyIds: keys(100), span: { from: NOON - 167 * HOUR, to: NOON + HOUR, by: 'HOUR' } }]);
  for (const series of page) {
    expect(series).toHaveLength(168);
    expect(series.at(-1)).toEqual({ start: NOON, requests: 1, cost: 4, limited: 2, forbidden: 3 });
  }
});

test('does not read a key again for another alias, or for another moment of the same period', async () => {
  await Promise.all([
    reader.load('key_a', usual('HOUR')),
    reader.load('key_a', hours(24)),
    reader.load('key_a', { from: NOON - 23 * HOUR + 1, to: NOON + 1, by: 'HOUR' }),
  ]);
  await reader.load('key_a', usual('HOUR'));
  expect(reads.map(({ keyIds }) => keyIds)).toEqual([['key_a']]);
});

test('reads each span separately, at most four of them', async () => {
  const refused = await Promise.allSettled([
    reader.load('key_a', usual('HOUR')),
    reader.load('key_a', usual('DAY')),
    reader.load('key_a', usual('MINUTE')),
    reader.load('key_a', hours(168)),
    reader.load('key_a', hours(23)),
    reader.load('key_b', usual('DAY')),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(refused[4]).toMatchObject({ reason: { details: { code: 'BAD_USER_INPUT', path: ['from'] } } });
  expect(reads).toHaveLength(4);
});

test.each([
  ['hours', hours(168), 119],
  ['days', { from: NOON - 89 * DAY, to: null, by: 'DAY' as const }, 222],
  ['minutes', { from: NOON - DAY + 60_000, to: null, by: 'MINUTE' as const }, 13],
])('returns many %s for only a limited number of keys in one request', async (_, asked, most) => {
  const answers = await Promise.allSettled(keys(300).map((id) => reader.load(id, asked)));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(most);
  expect(answers.at(-1)).toMatchObject({ reason: { message: expect.stringContaining('at most 20000 periods') } });
  expect(reads.map(({ keyIds }) => keyIds.length)).toEqual([most]);
});

test('counts each alias of a key, because each adds to the response', async () => {
  const answers = await Promise.allSettled(Array.from({ length: 200 }, () => reader.load('key_a', hours(168))));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(119);
});
