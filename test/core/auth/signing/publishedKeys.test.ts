import { MAX_PUBLISHED, PublishedKeys } from '../../../../src/core/auth/signing/publishedKeys.js';
import type { SigningKeyRecord } from '../../../../src/core/store/records.js';
import { StoreUnavailable } from '../../../../src/core/store/storeErrors.js';
import { NOON } from './bench.js';

/** Keys in memory, so that each read can be counted, delayed and failed; the clock moves only while somebody waits. */
function given() {
  const clock = { now: 0 };
  const records: SigningKeyRecord[] = [];
  const reads: { now: number; first: number }[] = [];
  const state = { isAway: false };
  const waiting: (() => void)[] = [];
  const keys = new PublishedKeys({
    store: {
      list: async (now, first) => {
        reads.push({ now, first });
        if (state.isAway) throw new StoreUnavailable(new Error('away'));
        return [...records];
      },
    },
    now: () => NOON + clock.now,
    clock: () => clock.now,
    wait: (ms) =>
      new Promise<void>((resolve) => {
        waiting.push(() => {
          clock.now += ms;
          resolve();
        });
      }),
  });
  const kids = async (): Promise<string[]> => kidsIn((await keys.keySet()).body);
  const pass = (): void => waiting.splice(0).forEach((resume) => resume());
  return { clock, records, reads, state, waiting, keys, kids, pass };
}

function kidsIn(body: string): string[] {
  return (JSON.parse(body) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

const aRecord = (id: string, fields: Partial<SigningKeyRecord> = {}): SigningKeyRecord => ({
  ...{ id, publicKey: 'x'.repeat(43), createdAt: NOON, endsAt: NOON + 60_000 },
  ...fields,
});

describe('published keys', () => {
  test('are read at most once a second, and a question waits for a read that begins after it', async () => {
    const { records, reads, waiting, kids, pass } = given();
    records.push(aRecord('one'));
    expect(await kids()).toEqual(['one']);
    records.push(aRecord('two'));
    const flood = Array.from({ length: 500 }, () => kids());
    await Promise.resolve();
    expect([reads.length, waiting.length]).toEqual([1, 1]);
    records.push(aRecord('three'));
    pass();
    for (const answer of await Promise.all(flood)) expect(answer).toEqual(['one', 'two', 'three']);
    expect(reads).toEqual([
      { now: NOON, first: MAX_PUBLISHED },
      { now: NOON + 1_000, first: MAX_PUBLISHED },
    ]);
  });

  test('are read at once after a second without questions', async () => {
    const { clock, reads, waiting, kids } = given();
    await kids();
    clock.now += 1_000;
    await kids();
    expect([reads.length, waiting.length]).toEqual([2, 0]);
  });

  test('are those of the last read while the store is unavailable, without ended ones', async () => {
    const { clock, records, state, kids } = given();
    records.push(aRecord('long'), aRecord('short', { endsAt: NOON + 5_000 }));
    expect(await kids()).toEqual(['long', 'short']);
    state.isAway = true;
    clock.now += 4_999;
    expect(await kids()).toEqual(['long', 'short']);
    clock.now += 1_001;
    expect(await kids()).toEqual(['long']);
  });

  test('are unavailable if no read has succeeded yet, and are read again by the next question', async () => {
    const { clock, state, keys, kids } = given();
    state.isAway = true;
    await expect(keys.keySet()).rejects.toMatchObject({ details: { code: 'UNAVAILABLE', retryAfter: 1 } });
    state.isAway = false;
    clock.now += 1_000;
    expect(await kids()).toEqual([]);
  });

  test('have an entity tag that changes with the keys', async () => {
    const { clock, records, keys } = given();
    const tag = async (): Promise<string> => {
      clock.now += 1_000;
      return (await keys.keySet()).etag;
    };
    records.push(aRecord('one'));
    const first = await tag();
    expect(first).toMatch(/^"[\w-]{22}"$/);
    expect(await tag()).toBe(first);
    records.push(aRecord('two'));
    expect(await tag()).not.toBe(first);
  });
});
