import fc from 'fast-check';
import { OperatorKey } from '../../../src/core/auth/operator.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { NOON, openHarness, withChecksum, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const TTL = 1_000;
const refused = (reason: string) => expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason } });
const AWAY = { details: { code: 'UNAVAILABLE', retryAfter: 1 } };

/** Returns a key that was accepted once, with all counts reset. */
async function known(
  fields: Parameters<Harness['issue']>[0] = {},
  options: Parameters<Harness['authenticator']>[0] = {},
) {
  const issued = await latchkey.issue(fields, options.peppers);
  const authenticator = latchkey.authenticator(options);
  const principal = await authenticator.authenticate(issued.token);
  latchkey.reads.splice(0);
  latchkey.verifications.splice(0);
  return { ...issued, authenticator, principal };
}

describe('a cached key', () => {
  it('is accepted without a promise, a read, an HMAC or bcrypt, and its use is recorded', async () => {
    const { key, token, authenticator, principal } = await known();
    latchkey.uses.splice(0);
    for (let i = 0; i < 1_000; i++) expect(authenticator.atOnce(token)).toBe(principal);
    expect([latchkey.reads, latchkey.verifications]).toEqual([[], []]);
    expect(latchkey.gate.counts.comparisons).toBe(0);
    expect(latchkey.uses).toEqual(Array(1_000).fill([key.id, NOON]));
  });

  it('with a cached token is still checked in each request: it may be stale, expired or revoked', async () => {
    const { key, token, authenticator } = await known({ expiresAt: NOON + 10 * TTL });
    for (let i = 0; i < 3; i++) expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    await expect(authenticator.atOnce(token)).resolves.toMatchObject({ keyId: key.id });
    expect(latchkey.reads).toHaveLength(1);

    for (let i = 0; i < 3; i++) expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    latchkey.clock.now = NOON + 10 * TTL;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));

    const other = await known();
    for (let i = 0; i < 3; i++) expect(other.authenticator.atOnce(other.token)).not.toBeInstanceOf(Promise);
    await latchkey.store.keys.revoke(other.key.id, null, null, { at: latchkey.clock.now });
    other.authenticator.forget({ kind: 'key', lookupId: other.key.lookupId });
    await expect(other.authenticator.authenticate(other.token)).rejects.toEqual(refused('revoked'));
  });

  it('with a stale record costs one read and nothing else, because its secret was verified', async () => {
    const { token, authenticator } = await known({}, { peppers: null });
    const before = latchkey.gate.counts.comparisons;
    for (let second = 1; second <= 100; second++) {
      latchkey.clock.now = NOON + second * TTL;
      await authenticator.authenticate(token);
      expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    }
    expect(latchkey.reads).toHaveLength(100);
    expect(latchkey.verifications).toEqual([]);
    expect(latchkey.gate.counts.comparisons).toBe(before);
  });

  it('is read for each request if ttl is 0, but its secret is verified only once', async () => {
    const { token, authenticator } = await known({}, { cacheTtl: 0 });
    for (let i = 0; i < 10; i++) await authenticator.authenticate(token);
    expect(latchkey.reads).toHaveLength(10);
    expect(latchkey.verifications).toEqual([]);
  });

  it('is verified once for a hundred concurrent requests', async () => {
    const { token } = await latchkey.issue({}, null);
    const authenticator = latchkey.authenticator({ peppers: null });
    await Promise.all(Array.from({ length: 100 }, () => authenticator.authenticate(token, '192.0.2.1')));
    expect(latchkey.reads).toHaveLength(1);
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('is accepted only with its own token', async () => {
    const one = await known();
    const other = await latchkey.issue();
    await one.authenticator.authenticate(other.token);
    const base62 = fc.constantFrom('0', '9', 'A', 'Z', 'a', 'z');
    const at = fc.nat(one.token.length - 1);
    const changed = fc.oneof(
      fc.tuple(at, base62).map(([i, digit]) => one.token.slice(0, i) + digit + one.token.slice(i + 1)),
      fc
        .tuple(at, base62)
        .map(([i, digit]) => withChecksum((one.token.slice(0, i) + digit + one.token.slice(i + 1)).slice(0, -6))),
      fc
        .string({ minLength: 32, maxLength: 32, unit: base62 })
        .map((secret) => withChecksum(one.token.slice(0, -38) + secret)),
      fc
        .constantFrom('lkc_live', 'lkr_live', 'lks_test', 'k_live', 'llks_live')
        .map((prefix) => withChecksum(prefix + one.token.slice('lks_live'.length, -6))),
      fc.string({ maxLength: 20 }).map((before) => before + one.token),
      fc.string({ maxLength: 20 }).map((after) => one.token + after),
      at.map((length) => one.token.slice(0, length)),
      at.map((start) => one.token.slice(start)),
      fc.constantFrom(one.token.toUpperCase(), one.token.toLowerCase(), `${one.token}\0`),
      fc.constant(withChecksum(`lks_live_${one.key.lookupId}${other.secret}`)),
      fc.constant(withChecksum(`lks_live_${other.key.lookupId}${one.secret}`)),
    );
    await fc.assert(
      fc.asyncProperty(changed, async (credential) => {
        fc.pre(credential !== one.token && credential !== other.token);
        await expect(one.authenticator.authenticate(credential)).rejects.toMatchObject({
          details: { code: expect.stringMatching(/^UNAUTHENTICATED$|^RATE_LIMITED$/) },
        });
      }),
      { numRuns: 500 },
    );
    expect(one.authenticator.atOnce(one.token)).toBe(one.principal);
  });

  // A verified secret belongs to the key that it was verified for.
  it('is unknown if another key has its lookup ID, as in a new store', async () => {
    const { key, token, authenticator } = await known();
    const elsewhere = await openHarness();
    try {
      const stranger = await elsewhere.issue();
      await elsewhere.store.keys.insert({ ...stranger.key, id: 'key_other', lookupId: key.lookupId }, null, NOON);
      const theirs = withChecksum(`lks_live_${key.lookupId}${stranger.secret}`);
      await latchkey.store.close();
      latchkey.readFrom(elsewhere.store);
      await expect(authenticator.authenticate(theirs)).rejects.toEqual(refused('unknown'));
      latchkey.clock.now = NOON + TTL;
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
      expect(await authenticator.authenticate(theirs)).toMatchObject({ keyId: 'key_other' });
      await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
    } finally {
      await elsewhere.close();
    }
  });

  it('with another prefix is another token', async () => {
    const { key, secret, authenticator } = await known();
    const forged = withChecksum(`lkr_live_${key.lookupId}${secret}`);
    await expect(authenticator.authenticate(forged)).rejects.toEqual(refused('unknown'));
  });
});

describe('changes of a cached key', () => {
  it('checks expiry at the time of the request, whatever is cached', async () => {
    const { token, authenticator } = await known({ expiresAt: NOON + 500 });
    latchkey.clock.now = NOON + 499;
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    latchkey.clock.now = NOON + 500;
    expect(() => authenticator.atOnce(token)).toThrow('has expired');
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
    expect(latchkey.reads).toEqual([]);
  });

  it('applies scopes that another process changed after ttl, or immediately if the change is announced', async () => {
    const { key, token, authenticator } = await known({ scopes: ['read:assets'] });
    const rescope = (scopes: string[]) =>
      latchkey.store.keys.update(key.id, null, { scopes }, { at: latchkey.clock.now });
    await rescope(['write:assets']);
    latchkey.clock.now = NOON + TTL - 1;
    expect(authenticator.atOnce(token)).toMatchObject({ scopes: ['read:assets'] });
    latchkey.clock.now = NOON + TTL;
    expect(await authenticator.authenticate(token)).toMatchObject({ scopes: ['write:assets'] });
    await rescope(['read:all']);
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    expect(await authenticator.authenticate(token)).toMatchObject({ scopes: ['read:all'] });
    expect(authenticator.atOnce(token)).toMatchObject({ scopes: ['read:all'] });
  });

  it('applies an announced tier immediately to all keys of its workspace, and reads no other keys again', async () => {
    const { token, authenticator } = await known();
    await latchkey.store.workspaces.ensure({ id: 'other', name: 'other', tier: 'STARTER', createdAt: NOON });
    const other = await latchkey.issue({ workspaceId: 'other' });
    await authenticator.authenticate(other.token);
    await latchkey.store.workspaces.setTier('default', 'ENTERPRISE', NOON);
    expect(authenticator.atOnce(token)).toMatchObject({ tier: 'GROWTH' });
    authenticator.forget({ kind: 'workspace', workspaceId: 'default' });
    expect(await authenticator.authenticate(token)).toMatchObject({ tier: 'ENTERPRISE' });
    expect(authenticator.atOnce(other.token)).toMatchObject({ tier: 'STARTER' });
  });

  it('reads everything again if changes may have been missed', async () => {
    const operator = new OperatorKey(OPERATOR_KEY);
    const { key, token, authenticator } = await known({}, { operator });
    await authenticator.authenticate(OPERATOR_KEY);
    await latchkey.store.workspaces.setTier('default', 'STARTER', NOON);
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    authenticator.forget(null);
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(await authenticator.authenticate(OPERATOR_KEY)).toMatchObject({ tier: 'STARTER' });
  });

  it('refuses a revoked key without a read', async () => {
    const { key, token, authenticator } = await known();
    await latchkey.store.keys.revoke(key.id, null, null, { at: NOON });
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    for (let i = 0; i < 100; i++) await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(latchkey.reads).toHaveLength(1);
    expect(latchkey.verifications).toEqual([]);
  });
});

describe("the operator's key", () => {
  it('reads its workspace once per ttl, and again immediately after an announced change of the tier', async () => {
    const authenticator = latchkey.authenticator({ operator: new OperatorKey(OPERATOR_KEY) });
    const tier = async () => (await authenticator.authenticate(OPERATOR_KEY)).tier;
    for (let i = 0; i < 100; i++) expect(await tier()).toBe('GROWTH');
    expect(latchkey.reads).toEqual(['workspaces.find']);
    await latchkey.store.workspaces.setTier('default', 'ENTERPRISE', NOON);
    authenticator.forget({ kind: 'workspace', workspaceId: 'other' });
    authenticator.forget({ kind: 'key', lookupId: 'default' });
    latchkey.clock.now = NOON + TTL - 1;
    expect(await tier()).toBe('GROWTH');
    authenticator.forget({ kind: 'workspace', workspaceId: 'default' });
    expect(await tier()).toBe('ENTERPRISE');
    await latchkey.store.workspaces.setTier('default', 'STARTER', NOON);
    latchkey.clock.now += TTL;
    expect(await tier()).toBe('STARTER');
    expect(latchkey.reads).toHaveLength(3);
  });
});

describe('an unavailable store', () => {
  const back = async () => latchkey.readFrom(await openSqliteStore({ dir: latchkey.dir }));

  it('has no effect while the record is cached; then causes 503 until it is available again', async () => {
    const operator = new OperatorKey(OPERATOR_KEY);
    const { token, authenticator, principal } = await known({}, { operator });
    await authenticator.authenticate(OPERATOR_KEY);
    await latchkey.store.close();
    latchkey.clock.now = NOON + TTL - 1;
    expect(authenticator.atOnce(token)).toBe(principal);
    await authenticator.authenticate(OPERATOR_KEY);
    latchkey.clock.now = NOON + TTL;
    for (let i = 0; i < 3; i++) {
      await expect(authenticator.authenticate(token)).rejects.toMatchObject(AWAY);
      await expect(authenticator.authenticate(OPERATOR_KEY)).rejects.toMatchObject(AWAY);
    }
    await back();
    expect(await authenticator.authenticate(token)).toEqual(principal);
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    await authenticator.authenticate(OPERATOR_KEY);
    expect(latchkey.verifications).toEqual([]);
  });

  it('accepts nobody on a stale record', async () => {
    const { key, token, authenticator } = await known();
    await latchkey.store.close();
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    await expect(authenticator.authenticate(token)).rejects.toMatchObject(AWAY);
  });

  // Otherwise clients that retry while the store is unavailable would be locked out for a minute afterwards.
  it('does not count the attempts as failures', async () => {
    const { token } = await latchkey.issue();
    const authenticator = latchkey.authenticator();
    await latchkey.store.close();
    for (let i = 0; i < 400; i++) {
      await expect(authenticator.authenticate(token, '192.0.2.1')).rejects.toMatchObject(AWAY);
    }
    await back();
    await authenticator.authenticate(token, '192.0.2.1');
  });
});
