import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { jest } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { signedToken } from '../../../../src/core/auth/signing/signedToken.js';
import {
  LEEWAY,
  LONGEST_TOKEN,
  PUBLISHED_AHEAD,
  SigningKeys,
  SIGNS_FOR,
} from '../../../../src/core/auth/signing/processKeys.js';
import { Refusal } from '../../../../src/core/errors/refusal.js';
import { StoreUnavailable } from '../../../../src/core/store/storeErrors.js';
import { NOON, openSigningBench, type SigningBench } from './bench.js';

let bench: SigningBench;
beforeEach(async () => void (bench = await openSigningBench()));
afterEach(() => bench.close());

const kids = async (): Promise<(string | undefined)[]> => (await bench.jwks()).keys.map(({ kid }) => kid);
const kidAt = (keys: SigningKeys): string => keys.signer(bench.clock.now + 60_000).kid;

/** Signs a token of the longest lifetime. */
function longToken(keys: SigningKeys): string {
  const exp = Math.floor((bench.clock.now + LONGEST_TOKEN) / 1_000);
  return signedToken(keys.signer(exp * 1_000), 'test+jwt', { exp });
}

describe('signing keys', () => {
  test('signs nothing before the key is published', async () => {
    const keys = bench.process();
    expect(() => keys.signer(NOON + 1)).toThrow(Refusal);
    await keys.ready();
    expect(await kids()).toEqual([kidAt(keys)]);
    expect(keys.ready()).toBeUndefined();
  });

  test('signs nothing if the key could not be published', async () => {
    const away = { publish: () => Promise.reject(new StoreUnavailable(new Error('away'))) };
    const keys = new SigningKeys({ store: away, now: () => NOON });
    await expect(keys.ready()).rejects.toThrow(StoreUnavailable);
    expect(() => keys.signer(NOON + 1)).toThrow(
      expect.objectContaining({ details: { code: 'UNAVAILABLE', retryAfter: 1 } }),
    );
  });

  test('publishes only public values, with the thumbprint of RFC 7638 as ID', async () => {
    const keys = bench.process();
    await keys.ready();
    const { keys: published } = await bench.jwks();
    expect(published).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.stringMatching(/^[\w-]{43}$/),
        kid: kidAt(keys),
        use: 'sig',
        alg: 'EdDSA',
      },
    ]);
    expect(await calculateJwkThumbprint(published[0] ?? {})).toBe(kidAt(keys));
  });

  test('never exports a key object, because Node can wait for its own lock in an export', async () => {
    const exports = (['publicKey', 'privateKey'] as const).map((name) =>
      jest.spyOn(Object.getPrototypeOf(generateKeyPairSync('ed25519')[name]) as KeyObject, 'export'),
    );
    const keys = bench.process();
    await keys.ready();
    longToken(keys);
    for (const spy of exports) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  test('of two processes differ, and both are published', async () => {
    const [one, two] = [bench.process(), bench.process()];
    await Promise.all([one.ready(), two.ready()]);
    expect((await kids()).sort()).toEqual([kidAt(one), kidAt(two)].sort());
    expect(kidAt(one)).not.toBe(kidAt(two));
  });

  test('publishes the next key an hour before it signs, and removes the old one when its last token has expired', async () => {
    const keys = bench.process();
    await keys.ready();
    const first = kidAt(keys);
    bench.clock.now = NOON + SIGNS_FOR - PUBLISHED_AHEAD - 1;
    await keys.renew();
    expect(await kids()).toEqual([first]);

    bench.clock.now += 1;
    await keys.renew();
    const [second] = (await kids()).filter((kid) => kid !== first);
    expect(await kids()).toEqual([second, first]);
    bench.clock.now = NOON + SIGNS_FOR - 1;
    await keys.renew();
    expect(kidAt(keys)).toBe(first);
    expect(await kids()).toHaveLength(2);
    const last = longToken(keys);

    bench.clock.now = NOON + SIGNS_FOR;
    expect(kidAt(keys)).toBe(second);
    bench.clock.now = NOON + SIGNS_FOR - 1 + LONGEST_TOKEN - 1_000;
    await expect(bench.verified(last, {})).resolves.toBeDefined();
    bench.clock.now = NOON + SIGNS_FOR + LONGEST_TOKEN + LEEWAY - 1;
    expect(await kids()).toEqual([second, first]);
    bench.clock.now += 1;
    expect(await kids()).toEqual([second]);
  });

  test('removes ended keys from the store when it publishes another one', async () => {
    const keys = bench.process();
    await keys.ready();
    const first = kidAt(keys);
    bench.clock.now = NOON + 2 * SIGNS_FOR;
    await keys.renew();
    expect(await bench.store.signingKeys.find(first)).toBeNull();
  });

  test('continues with the old key while the next one cannot be published, but not beyond its end', async () => {
    let isAway = false;
    const { signingKeys } = bench.store;
    const keys = new SigningKeys({
      store: {
        publish: async (key, now) => {
          if (isAway) throw new StoreUnavailable(new Error('away'));
          await signingKeys.publish(key, now);
        },
      },
      now: () => bench.clock.now,
    });
    await keys.ready();
    const first = kidAt(keys);
    isAway = true;
    bench.clock.now = NOON + SIGNS_FOR;
    await expect(keys.renew()).rejects.toThrow(StoreUnavailable);
    expect(kidAt(keys)).toBe(first);
    expect(() => longToken(keys)).not.toThrow();
    bench.clock.now += 1_000;
    expect(() => longToken(keys)).toThrow(Refusal);
    expect(kidAt(keys)).toBe(first);
    bench.clock.now = NOON + SIGNS_FOR + LONGEST_TOKEN - 59_999;
    expect(() => kidAt(keys)).toThrow(Refusal);
    await expect(keys.renew()).rejects.toThrow(StoreUnavailable);
    isAway = false;
    await keys.renew();
    expect(kidAt(keys)).not.toBe(first);
    await keys.close();
  });

  test('recovers after the process was suspended for days', async () => {
    const keys = bench.process();
    await keys.ready();
    const first = kidAt(keys);
    bench.clock.now += 5 * 86_400_000;
    expect(() => kidAt(keys)).toThrow(Refusal);
    await keys.ready();
    expect(kidAt(keys)).not.toBe(first);
    expect(await kids()).toEqual([kidAt(keys)]);
  });

  test('still signs after the clock was set back', async () => {
    const keys = bench.process();
    await keys.ready();
    bench.clock.now -= 3_600_000;
    expect(kidAt(keys)).toEqual(expect.any(String));
  });

  test('shares one publication between concurrent calls', async () => {
    const keys = bench.process();
    await Promise.all(Array.from({ length: 20 }, async () => keys.ready()));
    expect(await kids()).toHaveLength(1);
  });

  test('ends with the process: at once if it signed nothing, else when its last token has expired', async () => {
    const [idle, used] = [bench.process(), bench.process()];
    await idle.ready();
    await used.ready();
    const { kid } = used.signer(NOON + 60_000);
    await idle.close();
    await used.close();
    expect(await kids()).toEqual([kid]);
    expect(await bench.store.signingKeys.find(kid)).toMatchObject({ endsAt: NOON + 60_000 + LEEWAY });
    expect(() => used.signer(NOON + 1)).toThrow(Refusal);
  });

  test('closes while the store is unavailable', async () => {
    let calls = 0;
    const publish = (): Promise<void> =>
      (calls += 1) === 1 ? Promise.resolve() : Promise.reject(new StoreUnavailable(new Error('away')));
    const keys = new SigningKeys({ store: { publish }, now: () => NOON });
    await keys.ready();
    await keys.close();
    expect(calls).toBe(2);
  });

  test('shows no private key in a dump', async () => {
    const keys = bench.process();
    await keys.ready();
    const { inspect } = await import('node:util');
    expect(inspect(keys, { depth: 9, showHidden: true })).not.toMatch(/PRIVATE KEY|"d"/);
    expect(JSON.stringify(keys)).toBe('{}');
  });
});
