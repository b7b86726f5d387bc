import fc from 'fast-check';
import { OperatorKey } from '../../src/credentials/operator.js';
import { openSqliteStore } from '../../src/store/sqlite/open.js';
import { OPERATOR_KEY } from '../support/service.js';
import { NOON, openHarness, withChecksum, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const TTL = 1_000;
const refused = (reason: string) => expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason } });
const AWAY = { details: { code: 'UNAVAILABLE', retryAfter: 1 } };

/** A key that this authenticator has let in, and nothing counted since. */
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

describe('a key that is known', () => {
  it('is let in without a promise, a read of the store, an HMAC or bcrypt, and its use is noted', async () => {
    const { key, token, authenticator, principal } = await known();
    latchkey.uses.splice(0);
    for (let i = 0; i < 1_000; i++) expect(authenticator.atOnce(token)).toBe(principal);
    expect([latchkey.reads, latchkey.verifications]).toEqual([[], []]);
    expect(latchkey.gate.counts.comparisons).toBe(0);
    expect(latchkey.uses).toEqual(Array(1_000).fill([key.id, NOON]));
  });

  it('by its token too is still judged at each request: when it is forgotten, ends or is revoked', async () => {
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
    await latchkey.store.keys.revoke(other.key.id, null, null, latchkey.clock.now);
    other.authenticator.forget({ kind: 'key', lookupId: other.key.lookupId });
    await expect(other.authenticator.authenticate(other.token)).rejects.toEqual(refused('revoked'));
  });

  it('whose record is read anew costs that read and nothing else, for its secret is known to be right', async () => {
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

  it('is read for each request where nothing is to be remembered, and its secret is judged once all the same', async () => {
    const { token, authenticator } = await known({}, { cacheTtl: 0 });
    for (let i = 0; i < 10; i++) await authenticator.authenticate(token);
    expect(latchkey.reads).toHaveLength(10);
    expect(latchkey.verifications).toEqual([]);
  });

  it('is judged once for a hundred requests at once', async () => {
    const { token } = await latchkey.issue({}, null);
    const authenticator = latchkey.authenticator({ peppers: null });
    await Promise.all(Array.from({ length: 100 }, () => authenticator.authenticate(token, '192.0.2.1')));
    expect(latchkey.reads).toHaveLength(1);
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('is let in by its own token alone, whatever is known of it', async () => {
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
        .constantFrom('ck_live', 'rk_live', 'sk_test', 'k_live', 'ssk_live')
        .map((prefix) => withChecksum(prefix + one.token.slice(7, -6))),
      fc.string({ maxLength: 20 }).map((before) => before + one.token),
      fc.string({ maxLength: 20 }).map((after) => one.token + after),
      at.map((length) => one.token.slice(0, length)),
      at.map((start) => one.token.slice(start)),
      fc.constantFrom(one.token.toUpperCase(), one.token.toLowerCase(), `${one.token}\0`),
      fc.constant(withChecksum(`sk_live_${one.key.lookupId}${other.secret}`)),
      fc.constant(withChecksum(`sk_live_${other.key.lookupId}${one.secret}`)),
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

  // What was found right belongs to the key that it was found right for.
  it('is unknown once another key stands in its place, as in a store that was set up anew', async () => {
    const { key, token, authenticator } = await known();
    const elsewhere = await openHarness();
    try {
      const stranger = await elsewhere.issue();
      await elsewhere.store.keys.insert({ ...stranger.key, id: 'key_other', lookupId: key.lookupId }, null, NOON);
      const theirs = withChecksum(`sk_live_${key.lookupId}${stranger.secret}`);
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

  it('under another prefix is another token', async () => {
    const { key, secret, authenticator } = await known();
    const forged = withChecksum(`rk_live_${key.lookupId}${secret}`);
    await expect(authenticator.authenticate(forged)).rejects.toEqual(refused('unknown'));
  });
});

describe('what may change while a key is known', () => {
  it('expiry is judged at the moment of the request, whatever is remembered', async () => {
    const { token, authenticator } = await known({ expiresAt: NOON + 500 });
    latchkey.clock.now = NOON + 499;
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    latchkey.clock.now = NOON + 500;
    expect(() => authenticator.atOnce(token)).toThrow('has expired');
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('expired'));
    expect(latchkey.reads).toEqual([]);
  });

  it('scopes of another process act when the record has had its time, and at once where it is told', async () => {
    const { key, token, authenticator } = await known({ scopes: ['read:assets'] });
    const rescope = (scopes: string[]) => latchkey.store.keys.update(key.id, null, { scopes }, latchkey.clock.now);
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

  it('a tier acts at once for all keys of its workspace where it is told, and leaves the others be', async () => {
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

  it('everything is read anew where changes may have been missed', async () => {
    const operator = new OperatorKey(OPERATOR_KEY);
    const { key, token, authenticator } = await known({}, { operator });
    await authenticator.authenticate(OPERATOR_KEY);
    await latchkey.store.workspaces.setTier('default', 'STARTER', NOON);
    await latchkey.store.keys.revoke(key.id, null, null, NOON);
    authenticator.forget(null);
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(await authenticator.authenticate(OPERATOR_KEY)).toMatchObject({ tier: 'STARTER' });
  });

  it('a revoked key is told so without a read', async () => {
    const { key, token, authenticator } = await known();
    await latchkey.store.keys.revoke(key.id, null, null, NOON);
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    for (let i = 0; i < 100; i++) await expect(authenticator.authenticate(token)).rejects.toEqual(refused('revoked'));
    expect(latchkey.reads).toHaveLength(1);
    expect(latchkey.verifications).toEqual([]);
  });
});

describe("the operator's key", () => {
  it('has its workspace read once within ttl, and at once anew when the tier is told to have changed', async () => {
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

describe('a store that is away', () => {
  const back = async () => latchkey.readFrom(await openSqliteStore({ dir: latchkey.dir }));

  it('is not missed until the record has had its time; then 503, and known again as soon as it is back', async () => {
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

  it('lets nobody in on a record that was told to be stale', async () => {
    const { key, token, authenticator } = await known();
    await latchkey.store.close();
    authenticator.forget({ kind: 'key', lookupId: key.lookupId });
    await expect(authenticator.authenticate(token)).rejects.toMatchObject(AWAY);
  });

  // Whoever tries again and again while it is away would be locked out for a minute when it is back.
  it('makes no failures of the attempts', async () => {
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
