import { randomBytes } from 'node:crypto';
import { mintToken, randomBase62 } from '../../../src/core/keys/token.js';
import { NOON, openHarness, withChecksum, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const [ATTACKER, ELSEWHERE] = ['192.0.2.1', '198.51.100.1'];
const MINUTE = 60_000;
const TOO_MANY = { details: { code: 'RATE_LIMITED', retryAfter: 60, window: 60 } };
const UNKNOWN = { details: { code: 'UNAUTHENTICATED', reason: 'unknown' } };

/** Returns the token of a key with a wrong secret and a valid checksum. */
const withOtherSecret = (token: string): string => withChecksum(token.slice(0, -38) + randomBase62(32));
/** Returns an unused address. */
const freshAddress = (): string => `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`;

type Authenticator = ReturnType<Harness['authenticator']>;
/** Sends tokens of missing keys from an address. */
async function guess(authenticator: Authenticator, count: number, address: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    await expect(authenticator.authenticate(mintToken('lks', 'LIVE').token, address)).rejects.toMatchObject(UNKNOWN);
  }
}
/** Sends wrong secrets for a key, each from a different address. */
async function attack(authenticator: Authenticator, token: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const attempt = authenticator.authenticate(withOtherSecret(token), freshAddress());
    await expect(attempt).rejects.toMatchObject(UNKNOWN);
  }
}

describe('an address over its limit', () => {
  it('is refused with 429 for missing keys, after a few reads per second, until the minute is over', async () => {
    const authenticator = latchkey.authenticator();
    await guess(authenticator, 300, ATTACKER);
    latchkey.reads.splice(0);
    for (let i = 0; i < 100; i++) {
      const attempt = authenticator.authenticate(mintToken('lks', 'LIVE').token, ATTACKER);
      await expect(attempt).rejects.toMatchObject(TOO_MANY);
    }
    expect(latchkey.reads).toHaveLength(20);
    await guess(authenticator, 1, ELSEWHERE);
    latchkey.clock.now = NOON + MINUTE;
    await guess(authenticator, 1, ATTACKER);
  });

  it('is refused after three hundred concurrent guesses too, without further reads', async () => {
    const authenticator = latchkey.authenticator();
    const guesses = Array.from({ length: 1_000 }, () =>
      authenticator.authenticate(mintToken('lks', 'LIVE').token, ATTACKER),
    );
    const codes = (await Promise.allSettled(guesses)).map((each) =>
      each.status === 'rejected' ? (each.reason as { details: { code: string } }).details.code : 'let in',
    );
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(300);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(700);
    expect(latchkey.reads).toHaveLength(320);
  });

  // Callers behind one proxy or office router share an address.
  it('can still use a cached valid key, even if its record has to be read again', async () => {
    const { key, token } = await latchkey.issue();
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate(token, ATTACKER);
    await guess(authenticator, 300, ATTACKER);
    expect(authenticator.atOnce(token, ATTACKER)).not.toBeInstanceOf(Promise);
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    await authenticator.authenticate(token, ATTACKER);
    latchkey.clock.now = NOON + 30_000;
    await authenticator.authenticate(token, ATTACKER);
  });

  it('R10: can still use valid keys that are not cached yet, and no invalid one runs bcrypt', async () => {
    const keys = await Promise.all(Array.from({ length: 50 }, () => latchkey.issue()));
    const authenticator = latchkey.authenticator();
    await guess(authenticator, 300, ATTACKER);
    for (const { token } of keys) {
      await expect(authenticator.authenticate(withOtherSecret(token), ATTACKER)).rejects.toMatchObject({
        details: { code: 'RATE_LIMITED' },
      });
      // A look-up of a valid key doesn't count, so any number of them is possible.
      latchkey.clock.now += 100;
      await authenticator.authenticate(token, ATTACKER);
    }
    await expect(authenticator.authenticate(mintToken('lks', 'LIVE').token, ATTACKER)).rejects.toMatchObject({
      details: { code: 'RATE_LIMITED' },
    });
  });

  it('R10: causes at most twenty reads per second, and two hundred together with other such addresses', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator();
    const addresses = Array.from({ length: 15 }, (_, i) => `203.0.113.${i}`);
    for (const address of addresses) await guess(authenticator, 300, address);
    latchkey.reads.splice(0);
    const flood = async (address: string) => {
      for (let i = 0; i < 30; i++) {
        await expect(authenticator.authenticate(mintToken('lks', 'LIVE').token, address)).rejects.toMatchObject({
          details: { code: 'RATE_LIMITED' },
        });
      }
    };
    await flood('203.0.113.0');
    expect(latchkey.reads).toHaveLength(20);
    await expect(authenticator.authenticate(token, '203.0.113.0')).rejects.toMatchObject(TOO_MANY);
    for (const address of addresses) await flood(address);
    expect(latchkey.reads).toHaveLength(200);
    await expect(authenticator.authenticate(token, '203.0.113.14')).rejects.toMatchObject(TOO_MANY);
    // An address below its limit is not affected.
    await guess(authenticator, 1, ELSEWHERE);
    latchkey.clock.now += 1_000;
    await authenticator.authenticate(token, '203.0.113.0');
  });

  it('is refused for wrong secrets of cached keys, while their holders are accepted', async () => {
    const authenticator = latchkey.authenticator();
    const keys = await Promise.all(Array.from({ length: 16 }, () => latchkey.issue()));
    for (const { token } of keys) await authenticator.authenticate(token, ELSEWHERE);
    for (let i = 0; i < 300; i++) {
      const { token } = keys[i % keys.length] ?? { token: '' };
      await expect(authenticator.authenticate(withOtherSecret(token), ATTACKER)).rejects.toMatchObject(UNKNOWN);
    }
    for (const { token } of keys) {
      await expect(authenticator.authenticate(withOtherSecret(token), ATTACKER)).rejects.toMatchObject(TOO_MANY);
      expect(authenticator.atOnce(token, ATTACKER)).not.toBeInstanceOf(Promise);
    }
  });

  it('does not include addresses that send valid keys in any state, or malformed keys', async () => {
    const authenticator = latchkey.authenticator();
    const expired = await latchkey.issue({ expiresAt: NOON });
    const revoked = await latchkey.issue();
    await latchkey.store.keys.revoke(revoked.key.id, null, null, { at: NOON });
    for (let i = 0; i < 200; i++) {
      for (const credential of [expired.token, revoked.token, 'hunter2', `${revoked.token}x`]) {
        await expect(authenticator.authenticate(credential, ATTACKER)).rejects.toMatchObject({
          details: { code: 'UNAUTHENTICATED', reason: expect.stringMatching(/^(expired|revoked|malformed)$/) },
        });
      }
    }
    await guess(authenticator, 300, ATTACKER);
  });
});

describe.each([
  ['remembered', {}],
  ['read each time', { cacheTtl: 0 }],
])('a key under attack, %s', (_, options) => {
  it('is refused with 429 for the twenty-first wrong secret in a minute, from any address', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator(options);
    await attack(authenticator, token, 20);
    for (let i = 0; i < 10; i++) {
      const attempt = authenticator.authenticate(withOtherSecret(token), freshAddress());
      await expect(attempt).rejects.toMatchObject(TOO_MANY);
    }
    latchkey.clock.now = NOON + MINUTE;
    await attack(authenticator, token, 20);
  });

  it('never locks out its holder', async () => {
    const { key, token } = await latchkey.issue();
    const authenticator = latchkey.authenticator(options);
    await authenticator.authenticate(token, ELSEWHERE);
    await attack(authenticator, token, 20);
    await expect(authenticator.authenticate(withOtherSecret(token), ELSEWHERE)).rejects.toMatchObject(TOO_MANY);
    await authenticator.authenticate(token, ELSEWHERE);
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    await authenticator.authenticate(token, ELSEWHERE);
    latchkey.clock.now = NOON + 30_000;
    await authenticator.authenticate(token, ELSEWHERE);
  });

  it('does not lock out its holder in a process that receives the attack first', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator(options);
    await attack(authenticator, token, 20);
    await authenticator.authenticate(token, ELSEWHERE);
  });

  it('does not lock out its holder during concurrent guesses', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator(options);
    const attempts = Array.from({ length: 100 }, () =>
      authenticator.authenticate(withOtherSecret(token), freshAddress()),
    );
    const right = authenticator.authenticate(token, ELSEWHERE);
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await right;
  });

  it('accepts a hundred concurrent valid requests in a process that has just started', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator(options);
    await Promise.all(Array.from({ length: 100 }, () => authenticator.authenticate(token, ELSEWHERE)));
    await guess(authenticator, 300, ELSEWHERE);
  });
});

test('reads the lookup ID of a missing key once and then refuses it with 429', async () => {
  const { token } = mintToken('lks', 'LIVE');
  const authenticator = latchkey.authenticator();
  await attack(authenticator, token, 20);
  await expect(authenticator.authenticate(token, freshAddress())).rejects.toMatchObject(TOO_MANY);
  expect(latchkey.reads).toHaveLength(1);
});
