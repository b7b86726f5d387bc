import { SecretVerifier } from '../../../src/core/auth/secretVerifier.js';
import { Peppers } from '../../../src/core/keys/pepper.js';
import type { KeyRecord } from '../../../src/core/store/records.js';
import { openHarness, PEPPER, type Harness } from './harness.js';

const peppersOf = (...values: string[]): Peppers => Peppers.of(values) ?? Peppers.ephemeral();
const OTHER_PEPPER = 'another pepper for tests, long enough';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

async function stored(id: string): Promise<KeyRecord> {
  const key = await latchkey.store.keys.find(id, null);
  if (key === null) throw new Error('The key is gone.');
  return key;
}

const comparisons = (): number => latchkey.gate.counts.comparisons;

describe('with a stored digest', () => {
  it('bcrypt never runs, for the right secret or a wrong one', async () => {
    const { key, secret } = await latchkey.issue();
    const verifier = latchkey.verifier(peppersOf(PEPPER));
    for (let i = 0; i < 20; i++) {
      expect(await verifier.verify(key, secret)).toBe(true);
      expect(await verifier.verify(key, `${i}`.padEnd(32, 'x'))).toBe(false);
    }
    expect(comparisons()).toBe(0);
  });
});

describe('without a digest, or with a digest under an unknown pepper', () => {
  it.each([
    ['missing', null],
    ['under another pepper', peppersOf(OTHER_PEPPER)],
  ])('%s: bcrypt decides once, and a new digest is stored', async (_, minted) => {
    const { key, secret } = await latchkey.issue({}, minted);
    const peppers = peppersOf(PEPPER);
    expect(await latchkey.verifier(peppers).verify(key, secret)).toBe(true);
    expect(comparisons()).toBe(1);

    const renewed = await stored(key.id);
    expect(peppers.judge(secret, renewed.digest ?? '')).toBe('match');
    // Another process, with an empty cache.
    expect(await latchkey.verifier(peppers).verify(renewed, secret)).toBe(true);
    expect(comparisons()).toBe(1);
  });

  it('a wrong secret stores nothing', async () => {
    const { key } = await latchkey.issue({}, null);
    expect(await latchkey.verifier(peppersOf(PEPPER)).verify(key, 'x'.repeat(32))).toBe(false);
    expect((await stored(key.id)).digest).toBeNull();
  });
});

test('accepts a digest under an older pepper without bcrypt, and replaces it with one under the newest', async () => {
  const { key, secret } = await latchkey.issue();
  const changed = peppersOf(OTHER_PEPPER, PEPPER);
  expect(await latchkey.verifier(changed).verify(key, secret)).toBe(true);
  expect(await latchkey.verifier(changed).verify(key, 'x'.repeat(32))).toBe(false);
  expect(comparisons()).toBe(0);
  expect(changed.judge(secret, (await stored(key.id)).digest ?? '')).toBe('match');
});

test('without a pepper, caches the result only in memory: one run, and nothing stored', async () => {
  const { key, secret } = await latchkey.issue({}, null);
  const verifier = latchkey.verifier(null);
  for (let i = 0; i < 10; i++) expect(await verifier.verify(key, secret)).toBe(true);
  expect(comparisons()).toBe(1);
  // The secret is known now, so any other secret is wrong without a run.
  for (let i = 0; i < 50; i++) expect(await verifier.verify(key, `${i}`.padEnd(32, 'x'))).toBe(false);
  expect(comparisons()).toBe(1);
  expect((await stored(key.id)).digest).toBeNull();
});

test('runs bcrypt once for a hundred concurrent requests at the first use of a key', async () => {
  const { key, secret } = await latchkey.issue({}, null);
  const verifier = latchkey.verifier(null);
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => verifier.verify(key, secret)));
  expect(verdicts).toEqual(Array.from({ length: 100 }, () => true));
  expect(comparisons()).toBe(1);
});

describe('wrong secrets cause few bcrypt runs (B43)', () => {
  const wrong = (i: number): string => `${i}`.padEnd(32, 'x');

  it('one run for the same wrong secret', async () => {
    const { key } = await latchkey.issue({}, null);
    const verifier = latchkey.verifier(null);
    for (let i = 0; i < 10; i++) expect(await verifier.verify(key, wrong(0))).toBe(false);
    expect(comparisons()).toBe(1);
  });

  it('runs bcrypt five times for a thousand concurrent wrong secrets, and refuses the rest with Retry-After', async () => {
    const { key, secret } = await latchkey.issue({}, null);
    const verifier = latchkey.verifier(null);
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, (_, i) => verifier.verify(key, wrong(i))));
    expect(comparisons()).toBe(5);
    const shed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.extensions] : []));
    expect(shed).toHaveLength(995);
    expect(shed[0]).toEqual({ code: 'UNAVAILABLE', retryAfter: 60 });

    latchkey.clock.now += 59_999;
    await expect(verifier.verify(key, secret)).rejects.toMatchObject({ extensions: { retryAfter: 1 } });
    latchkey.clock.now += 1;
    expect(await verifier.verify(key, secret)).toBe(true);
  });

  it('an attack on one key does not affect another', async () => {
    const [attacked, other] = [await latchkey.issue({}, null), await latchkey.issue({}, null)];
    const verifier = latchkey.verifier(null);
    await Promise.allSettled(Array.from({ length: 50 }, (_, i) => verifier.verify(attacked.key, wrong(i))));
    expect(await verifier.verify(other.key, other.secret)).toBe(true);
  });

  it('right secrets are not counted', async () => {
    const verifier = latchkey.verifier(null);
    const { key, secret } = await latchkey.issue({}, null);
    for (let i = 0; i < 4; i++) await verifier.verify(key, wrong(i));
    for (let i = 0; i < 10; i++) expect(await verifier.verify(key, secret)).toBe(true);
  });
});

test("the result is valid if the digest can't be stored, and bcrypt does not run again", async () => {
  const { key, secret } = await latchkey.issue({}, null);
  const verifier = new SecretVerifier({
    gate: latchkey.gate,
    peppers: peppersOf(PEPPER),
    now: () => latchkey.clock.now,
    saveDigest: () => Promise.reject(new Error('away')),
  });
  expect(await verifier.verify(key, secret)).toBe(true);
  expect(await verifier.verify(key, secret)).toBe(true);
  expect(comparisons()).toBe(1);
});
