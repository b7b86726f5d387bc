import { OperatorKey } from '../../src/credentials/operator.js';
import { mintToken } from '../../src/keys/token.js';
import { OPERATOR_KEY } from '../support/service.js';
import { NOON, openHarness, withChecksum, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const refused = (reason: string): unknown =>
  expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason }, stack: undefined });

test('a key yields a frozen principal, and its use is noted', async () => {
  const { key, token } = await latchkey.issue({ type: 'CLIENT', scopes: ['read:assets', 'write:assets'] });
  const principal = await latchkey.authenticator().authenticate(token);
  expect(principal).toEqual({
    kind: 'key',
    keyId: key.id,
    familyId: key.familyId,
    workspaceId: 'default',
    projectId: null,
    userId: null,
    tier: 'GROWTH',
    keyType: 'CLIENT',
    scopes: ['read:assets', 'write:assets'],
    trustedDocuments: null,
  });
  expect(Object.isFrozen(principal)).toBe(true);
  expect(Object.isFrozen(principal.scopes)).toBe(true);
  expect(() => (principal.scopes as string[]).push('admin')).toThrow(TypeError);
  expect(latchkey.uses).toEqual([[key.id, NOON]]);
});

describe('judged before any I/O', () => {
  it.each<[string, (token: string) => string]>([
    ['an empty one', () => ''],
    ['a wrong checksum', (token) => token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')],
    ['257 characters', (token) => token.padEnd(257, 'A')],
    ['a million characters', (token) => token.padEnd(1_000_000, 'A')],
    ['white space', (token) => `${token} `],
    ['another alphabet', (token) => token.replace(/.$/, 'é')],
    ['no key at all', () => 'hunter2'],
  ])('%s', async (_, change) => {
    const { token } = await latchkey.issue();
    await expect(latchkey.authenticator().authenticate(change(token))).rejects.toEqual(refused('malformed'));
    expect(latchkey.reads).toEqual([]);
    expect(latchkey.gate.counts.comparisons).toBe(0);
  });

  it('a good key is one read', async () => {
    const { token } = await latchkey.issue();
    await latchkey.authenticator().authenticate(token);
    expect(latchkey.reads).toEqual(['findForVerification']);
  });
});

/** The token of a key with another secret, checksum and all: what a thief of lookup ids could make. */
const withOtherSecret = (token: string): string => withChecksum(token.slice(0, -38) + 'x'.repeat(32));

describe('the secret comes before the state', () => {
  it('revoked and expired are told to who holds the secret', async () => {
    const [revoked, expired] = [await latchkey.issue(), await latchkey.issue({ expiresAt: NOON + 1 })];
    await latchkey.store.keys.revoke(revoked.key.id, null, 'leaked', NOON);
    latchkey.clock.now = NOON + 1;
    const authenticator = latchkey.authenticator();
    await expect(authenticator.authenticate(revoked.token)).rejects.toEqual(refused('revoked'));
    await expect(authenticator.authenticate(expired.token)).rejects.toEqual(refused('expired'));
    expect(latchkey.uses).toEqual([]);
  });

  it('whoever does not hold it learns the same of a living, a revoked, an expired and a missing key', async () => {
    const [living, revoked] = [await latchkey.issue(), await latchkey.issue()];
    const expired = await latchkey.issue({ expiresAt: NOON });
    await latchkey.store.keys.revoke(revoked.key.id, null, null, NOON);
    const authenticator = latchkey.authenticator();
    const tokens = [living, revoked, expired].map(({ token }) => withOtherSecret(token));
    for (const token of [...tokens, mintToken('sk', 'LIVE').token]) {
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
    }
  });

  it('a key that is revoked and expired is revoked', async () => {
    const { key, token } = await latchkey.issue({ expiresAt: NOON + 1 });
    await latchkey.store.keys.revoke(key.id, null, null, NOON);
    latchkey.clock.now = NOON + 10;
    await expect(latchkey.authenticator().authenticate(token)).rejects.toEqual(refused('revoked'));
  });
});

test('expiry is exact: the last millisecond is good, the moment itself is not', async () => {
  const { token } = await latchkey.issue({ expiresAt: NOON + 1000 });
  const authenticator = latchkey.authenticator();
  latchkey.clock.now = NOON + 999;
  await authenticator.authenticate(token);
  latchkey.clock.now = NOON + 1000;
  await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
});

// The prefix says what a key is; a READ_ONLY key that reads as SECRET would slip through a scanner's rules.
test('lookup id and secret under another prefix are another token', async () => {
  const { key, secret } = await latchkey.issue();
  const forged = withChecksum(`rk_live_${key.lookupId}${secret}`);
  await expect(latchkey.authenticator().authenticate(forged)).rejects.toEqual(refused('unknown'));
  expect(latchkey.reads).toEqual(['findForVerification']);
});

describe('revocation', () => {
  // Peers answer from caches for 10 seconds to 10 minutes after.
  it('of another process holds within the time that a record counts, though the verdict on the secret is remembered', async () => {
    const { key, token } = await latchkey.issue({}, null);
    const authenticator = latchkey.authenticator({ peppers: null });
    await authenticator.authenticate(token);
    await latchkey.store.keys.revoke(key.id, null, null, NOON);
    latchkey.clock.now = NOON + 999;
    await authenticator.authenticate(token);
    latchkey.clock.now = NOON + 1_000;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('holds from the next request on where it is told, or where nothing is remembered', async () => {
    const [told, read] = [latchkey.authenticator(), latchkey.authenticator({ cacheTtl: 0 })];
    const { key, token } = await latchkey.issue();
    for (const authenticator of [told, read]) await authenticator.authenticate(token);
    await latchkey.store.keys.revoke(key.id, null, null, NOON);
    told.forget({ kind: 'key', lookupId: key.lookupId });
    for (const authenticator of [told, read]) {
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    }
  });
});

describe("the operator's key", () => {
  const operator = new OperatorKey(OPERATOR_KEY);

  it('holds platform in the workspace default, under its tier', async () => {
    await latchkey.store.workspaces.setTier('default', 'ENTERPRISE', NOON);
    const principal = await latchkey.authenticator({ operator }).authenticate(OPERATOR_KEY);
    expect(principal).toEqual({
      kind: 'operator',
      keyId: 'operator',
      familyId: 'operator',
      workspaceId: 'default',
      projectId: null,
      userId: null,
      tier: 'ENTERPRISE',
      keyType: 'SECRET',
      scopes: ['platform'],
      trustedDocuments: null,
    });
    expect(latchkey.uses).toEqual([]);
  });

  it.each([OPERATOR_KEY.slice(0, -1), `${OPERATOR_KEY}x`, OPERATOR_KEY.toUpperCase(), `${OPERATOR_KEY} `])(
    'is not %j',
    async (credential) => {
      await expect(latchkey.authenticator({ operator }).authenticate(credential)).rejects.toEqual(refused('malformed'));
      expect(latchkey.reads).toEqual([]);
    },
  );

  it('is nothing where none is set', async () => {
    await expect(latchkey.authenticator().authenticate(OPERATOR_KEY)).rejects.toEqual(refused('malformed'));
  });

  it('is kept only as a hash', () => {
    expect(JSON.stringify(operator)).toBe('{}');
    expect(Object.values(operator)).toEqual([]);
    expect(() => new OperatorKey('x'.repeat(31))).toThrow('at least 32 characters');
  });

  it('is refused with 503 while the default workspace is missing', async () => {
    const empty = await openHarness();
    const authenticator = empty.authenticator({ operator });
    await empty.close();
    await expect(authenticator.authenticate(OPERATOR_KEY)).rejects.toMatchObject({
      details: { code: 'UNAVAILABLE', retryAfter: 1 },
    });
  });
});

// A peer's limiter and many a cache let callers in while the store is away.
test('a store that is away lets nobody in once what is remembered has had its time, and names no driver', async () => {
  const { token } = await latchkey.issue();
  const authenticator = latchkey.authenticator();
  await authenticator.authenticate(token);
  await latchkey.store.close();
  latchkey.clock.now = NOON + 999;
  await authenticator.authenticate(token);
  latchkey.clock.now = NOON + 1_000;
  await expect(authenticator.authenticate(token)).rejects.toMatchObject({
    details: { code: 'UNAVAILABLE', retryAfter: 1 },
    message: 'Keys cannot be checked at the moment. Try again shortly.',
  });
});
