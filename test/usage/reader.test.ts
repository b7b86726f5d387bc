import type { UsageRecord } from '../../src/store/records.js';
import type { UsageSpan } from '../../src/store/store.js';
import { UsageReader } from '../../src/usage/reader.js';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 2, 1, 12);

let reads: { readonly keyIds: readonly string[]; readonly span: UsageSpan }[];
let reader: UsageReader;
beforeEach(() => {
  reads = [];
  reader = new UsageReader(
    {
      async read(keyIds, span): Promise<UsageRecord[]> {
        reads.push({ keyIds, span });
        return keyIds.toReversed().map((keyId) => ({ keyId, start: NOON, requests: 1, limited: 2, forbidden: 3 }));
      },
    },
    NOON,
  );
});

const keys = (n: number): string[] => Array.from({ length: n }, (_, i) => `key_${i}`);

test('a page of keys is one read, and each key is given its own', async () => {
  const page = await Promise.all(keys(100).map((id) => reader.load(id, 168, 'HOUR')));
  expect(reads).toHaveLength(1);
  expect(reads[0]).toEqual({ keyIds: keys(100), span: { from: NOON - 167 * HOUR, to: NOON + HOUR, length: HOUR } });
  for (const series of page) {
    expect(series).toHaveLength(168);
    expect(series.at(-1)).toEqual({ start: NOON, requests: 1, limited: 2, forbidden: 3 });
  }
});

test('a key asked for again under another name is not read again', async () => {
  await Promise.all([reader.load('key_a', 24, 'HOUR'), reader.load('key_a', 24, 'HOUR')]);
  await reader.load('key_a', 24, 'HOUR');
  expect(reads.map(({ keyIds }) => keyIds)).toEqual([['key_a']]);
});

test('spans are read apart, and there are at most four of them', async () => {
  const refused = await Promise.allSettled([
    reader.load('key_a', 24, 'HOUR'),
    reader.load('key_a', 24, 'DAY'),
    reader.load('key_a', 168, 'HOUR'),
    reader.load('key_a', 90, 'DAY'),
    reader.load('key_a', 23, 'HOUR'),
    reader.load('key_b', 90, 'DAY'),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(refused[4]).toMatchObject({ reason: { details: { code: 'BAD_USER_INPUT', path: ['last'] } } });
  expect(reads).toHaveLength(4);
});

test.each([
  ['HOUR', 168, 119],
  ['DAY', 90, 55],
] as const)('by %s, the last %i are told of at most %i keys in one request', async (by, last, most) => {
  const answers = await Promise.allSettled(keys(200).map((id) => reader.load(id, last, by)));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(most);
  expect(answers.at(-1)).toMatchObject({ reason: { message: expect.stringContaining('at most 20000 hours') } });
  expect(reads.map(({ keyIds }) => keyIds.length)).toEqual([most]);
});

test('names given to one key do not reach beyond that: each is answered, so each is counted', async () => {
  const answers = await Promise.allSettled(Array.from({ length: 200 }, () => reader.load('key_a', 168, 'HOUR')));
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(119);
});
