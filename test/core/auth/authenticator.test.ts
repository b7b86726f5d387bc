import { OperatorKey } from '../../../src/core/auth/operator.js';
import { mintToken } from '../../../src/core/keys/token.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { NOON, openHarness, withChecksum, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const refused = (reason: string): unknown =>
  expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason }, stack: undefined });

test('returns a frozen principal for a key, and records its use', async () => {
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

describe('refusals before any I/O', () => {
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

  it('accepts a valid key with one read', async () => {
    const { token } = await latchkey.issue();
    await latchkey.authenticator().authenticate(token);
    expect(latchkey.reads).toEqual(['findForVerification']);
  });
});

/** Returns the token of a key with another secret and a valid checksum, as somebody who stole lookup IDs could create it. */
const withOtherSecret = (token: string): string => withChecksum(token.slice(0, -38) + 'x'.repeat(32));

describe('the secret is checked before the state', () => {
  it('reports a revoked or expired key only for the right secret', async () => {
    const [revoked, expired] = [await latchkey.issue(), await latchkey.issue({ expiresAt: NOON + 1 })];
    await latchkey.store.keys.revoke(revoked.key.id, null, 'leaked', { at: NOON });
    latchkey.clock.now = NOON + 1;
    const authenticator = latchkey.authenticator();
    await expect(authenticator.authenticate(revoked.token)).rejects.toEqual(refused('revoked'));
    await expect(authenticator.authenticate(expired.token)).rejects.toEqual(refused('expired'));
    expect(latchkey.uses).toEqual([]);
  });

  it('returns the same error for active, revoked, expired and missing keys if the secret is wrong', async () => {
    const [living, revoked] = [await latchkey.issue(), await latchkey.issue()];
    const expired = await latchkey.issue({ expiresAt: NOON });
    await latchkey.store.keys.revoke(revoked.key.id, null, null, { at: NOON });
    const authenticator = latchkey.authenticator();
    const tokens = [living, revoked, expired].map(({ token }) => withOtherSecret(token));
    for (const token of [...tokens, mintToken('lks', 'LIVE').token]) {
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
    }
  });

  it('reports a revoked and expired key as revoked', async () => {
    const { key, token } = await latchkey.issue({ expiresAt: NOON + 1 });
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    latchkey.clock.now = NOON + 10;
    await expect(latchkey.authenticator().authenticate(token)).rejects.toEqual(refused('revoked'));
  });
});

test('accepts a key until the last millisecond before it expires', async () => {
  const { token } = await latchkey.issue({ expiresAt: NOON + 1000 });
  const authenticator = latchkey.authenticator();
  latchkey.clock.now = NOON + 999;
  await authenticator.authenticate(token);
  latchkey.clock.now = NOON + 1000;
  await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
});

// Rules of secret scanners rely on the prefix, so a READ_ONLY key must not work with the prefix of a SECRET key.
test('refuses the lookup ID and secret of a key under another prefix', async () => {
  const { key, secret } = await latchkey.issue();
  const forged = withChecksum(`lkr_live_${key.lookupId}${secret}`);
  await expect(latchkey.authenticator().authenticate(forged)).rejects.toEqual(refused('unknown'));
  expect(latchkey.reads).toEqual(['findForVerification']);
});

describe('revocation', () => {
  // Other products accept revoked keys from their caches for 10 seconds to 10 minutes.
  it('by another process takes effect within ttl, although the verified secret is cached', async () => {
    const { key, token } = await latchkey.issue({}, null);
    const authenticator = latchkey.authenticator({ peppers: null });
    await authenticator.authenticate(token);
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    latchkey.clock.now = NOON + 999;
    await authenticator.authenticate(token);
    latchkey.clock.now = NOON + 1_000;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('takes effect at the next request if it is announced, or if ttl is 0', async () => {
    const [told, read] = [latchkey.authenticator(), latchkey.authenticator({ cacheTtl: 0 })];
    const { key, token } = await latchkey.issue();
    for (const authenticator of [told, read]) await authenticator.authenticate(token);
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    told.forget({ kind: 'key', lookupId: key.lookupId });
    for (const authenticator of [told, read]) {
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    }
  });
});

describe("the operator's key", () => {
  const operator = new OperatorKey(OPERATOR_KEY);

  it('has the scope platform, in the workspace default and under its tier', async () => {
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

  it('does not exist if it is not set', async () => {
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

// Some limiters and caches accept callers while the store is unavailable.
test('an unavailable store accepts nobody after ttl, and the error names no driver', async () => {
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
