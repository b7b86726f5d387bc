import { NO_CONFIGURATION } from '../../../src/core/auth/configuration.js';
import { ConfiguredEntry } from '../../../src/core/auth/configuredEntry.js';
import { ConfiguredKeys } from '../../../src/core/auth/configuredKeys.js';
import { OperatorKey } from '../../../src/core/auth/operator.js';
import { Refused } from '../../../src/core/errors/refusalValue.js';
import { mintToken } from '../../../src/core/keys/token.js';
import { openSqliteStore } from '../../../src/core/store/sqlite/open.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { NOON, openHarness, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => void (latchkey = await openHarness()));
afterEach(() => latchkey.close());

const TTL = 1_000;
const KEY = 'A-configured-key-of-tests';
const refused = (reason: string) => expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason } });
const LIMITED = { details: { code: 'RATE_LIMITED' } };

const configured = (...keys: [key: string, name: string][]): Promise<ConfiguredKeys> =>
  ConfiguredKeys.hashed(
    { ...NO_CONFIGURATION, keys: keys.map(([key, name]) => new ConfiguredEntry({ key, name, roles: ['viewer'] })) },
    latchkey.gate,
  );

async function start(options: Parameters<Harness['authenticator']>[0] = {}) {
  const keys = await configured([KEY, 'one']);
  const authenticator = latchkey.authenticator(options);
  authenticator.configure(true, keys);
  return { authenticator, id: keys.records[0]?.id ?? '' };
}

test('N3: with configured keys, a mistyped token is malformed, and other invalid text is unknown without bcrypt', async () => {
  const { authenticator } = await start();
  const { token } = mintToken('lks', 'LIVE');
  for (const text of [token.slice(0, -1), `${token}x`, 'lks_live_', `${token.slice(0, 20)}-${token.slice(21)}`]) {
    await expect(authenticator.authenticate(text)).rejects.toEqual(refused('malformed'));
  }
  for (const text of [token, `${KEY}x`, 'other_live_x']) {
    await expect(authenticator.authenticate(text)).rejects.toEqual(refused('unknown'));
  }
  expect(latchkey.gate.counts.comparisons).toBe(0);
  const likeOurs = 'lks_live_chosen-by-people-long-enough';
  authenticator.configure(true, await configured([likeOurs, 'like ours']));
  expect(await authenticator.authenticate(likeOurs)).toMatchObject({ kind: 'configured' });
});

test.each([false, true])(
  'wrong keys are refused without an error; with configured keys: %s',
  async (withConfigured) => {
    const authenticator = withConfigured ? (await start()).authenticator : latchkey.authenticator();
    const expired = await latchkey.issue({ expiresAt: NOON + 1 });
    latchkey.clock.now = NOON + 1;
    const reasonOf = async (credential: string): Promise<string> => {
      const result = await authenticator.judge(credential, '192.0.2.1');
      if (!(result instanceof Refused)) return 'accepted';
      const { details } = result;
      expect(result.toError()).toEqual(expect.objectContaining({ message: result.message, details }));
      return details.code === 'UNAUTHENTICATED' ? details.reason : details.code;
    };
    expect(await reasonOf(expired.token)).toBe('expired');
    expect(await reasonOf(expired.token.slice(0, -1))).toBe('malformed');
    expect(await reasonOf(mintToken('lks', 'LIVE').token)).toBe('unknown');
    while ((await reasonOf(mintToken('lks', 'LIVE').token)) !== 'RATE_LIMITED');
    // Without configured keys, nothing is looked up or counted for a text that is not a token.
    expect(await reasonOf('nonsense-of-a-caller')).toBe(withConfigured ? 'RATE_LIMITED' : 'malformed');
  },
);

describe('a configured key', () => {
  it('has a principal with its ID and family, its workspace and tier, and the scopes of its roles', async () => {
    const { authenticator, id } = await start();
    const principal = await authenticator.authenticate(KEY);
    expect(principal).toEqual({
      kind: 'configured',
      keyId: id,
      familyId: id,
      workspaceId: 'default',
      projectId: null,
      userId: null,
      trustedDocuments: null,
      tier: 'GROWTH',
      keyType: 'SECRET',
      scopes: ['read:all'],
    });
    expect(Object.isFrozen(principal)).toBe(true);
    // The store has no record of the key, so its use is not recorded.
    expect(latchkey.uses).toEqual([]);
  });

  it('is accepted without a promise, a read or bcrypt after it was verified once', async () => {
    const { authenticator } = await start();
    const principal = await authenticator.authenticate(KEY);
    expect(latchkey.gate.counts.comparisons).toBe(1);
    latchkey.reads.splice(0);
    for (let i = 0; i < 1_000; i++) expect(authenticator.atOnce(KEY)).toBe(principal);
    expect(latchkey.reads).toEqual([]);
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('reads its tier once per ttl, and never runs bcrypt again', async () => {
    const { authenticator } = await start();
    await authenticator.authenticate(KEY);
    latchkey.reads.splice(0);
    for (let second = 1; second <= 50; second++) {
      latchkey.clock.now = NOON + second * TTL;
      await authenticator.authenticate(KEY);
      expect(authenticator.atOnce(KEY)).not.toBeInstanceOf(Promise);
    }
    expect(latchkey.reads).toEqual(Array(50).fill('workspaces.find'));
    expect(latchkey.gate.counts.comparisons).toBe(1);
  });

  it('is verified once for a hundred concurrent requests, which count as no failures', async () => {
    const { authenticator } = await start();
    await Promise.all(Array.from({ length: 400 }, () => authenticator.authenticate(KEY, '192.0.2.1')));
    expect(latchkey.gate.counts.comparisons).toBe(1);
    expect(latchkey.reads).toEqual(['workspaces.find']);
  });

  it('applies a changed tier immediately after the change was announced', async () => {
    const { authenticator } = await start();
    await authenticator.authenticate(KEY);
    await latchkey.store.workspaces.setTier('default', 'STARTER', NOON);
    authenticator.forget({ kind: 'workspace', workspaceId: 'other' });
    expect(authenticator.atOnce(KEY)).toMatchObject({ tier: 'GROWTH' });
    authenticator.forget({ kind: 'workspace', workspaceId: 'default' });
    expect(await authenticator.authenticate(KEY)).toMatchObject({ tier: 'STARTER' });
  });

  it('is refused while the store is unavailable and its tier is not cached', async () => {
    const { authenticator } = await start();
    await authenticator.authenticate(KEY);
    await latchkey.store.close();
    expect(authenticator.atOnce(KEY)).toMatchObject({ kind: 'configured' });
    latchkey.clock.now = NOON + TTL;
    await expect(authenticator.authenticate(KEY)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    latchkey.readFrom(await openSqliteStore({ dir: latchkey.dir }));
    expect(await authenticator.authenticate(KEY)).toMatchObject({ kind: 'configured' });
  });
});

describe('a credential that is not a configured key', () => {
  it.each([KEY.toLowerCase(), KEY.toUpperCase(), KEY.slice(1), `${KEY}x`, `${KEY}\0`, 'unknown'])(
    'is unknown: %j',
    async (credential) => {
      const { authenticator } = await start();
      await authenticator.authenticate(KEY);
      await expect(authenticator.authenticate(credential)).rejects.toEqual(refused('unknown'));
    },
  );

  it('is malformed if no keys are configured', async () => {
    await expect(latchkey.authenticator().authenticate(KEY)).rejects.toEqual(refused('malformed'));
  });

  it('counts by address before bcrypt, and does not affect cached keys', async () => {
    const { authenticator } = await start();
    await authenticator.authenticate(KEY, '192.0.2.1');
    for (let i = 0; i < 300; i++) {
      await expect(authenticator.authenticate(`guess-${i}`, '192.0.2.1')).rejects.toEqual(refused('unknown'));
    }
    await expect(authenticator.authenticate('one-more', '192.0.2.1')).rejects.toMatchObject(LIMITED);
    expect(await authenticator.authenticate(KEY, '192.0.2.1')).toMatchObject({ kind: 'configured' });
    await expect(authenticator.authenticate('guess', '192.0.2.2')).rejects.toEqual(refused('unknown'));
    latchkey.clock.now += 60_000;
    await expect(authenticator.authenticate('later', '192.0.2.1')).rejects.toEqual(refused('unknown'));
  });

  it("does not affect stored keys or the operator's key", async () => {
    const { authenticator } = await start({ operator: new OperatorKey(OPERATOR_KEY) });
    const { key, token } = await latchkey.issue();
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key', keyId: key.id });
    expect(authenticator.atOnce(token)).not.toBeInstanceOf(Promise);
    expect(await authenticator.authenticate(OPERATOR_KEY)).toMatchObject({ kind: 'operator' });
  });
});

describe('replaced configured keys', () => {
  it('apply from the next request: the old key is refused, and the new one keeps the ID', async () => {
    const { authenticator, id } = await start();
    await authenticator.authenticate(KEY);
    authenticator.configure(true, await configured(['another-key-of-tests', 'one'], [KEY, 'two']));
    const moved = await authenticator.authenticate(KEY);
    expect(moved.keyId).not.toBe(id);
    expect((await authenticator.authenticate('another-key-of-tests')).keyId).toBe(id);
    authenticator.configure(true, await configured(['another-key-of-tests', 'one']));
    await expect(authenticator.authenticate(KEY)).rejects.toEqual(refused('unknown'));
    expect((await authenticator.authenticate('another-key-of-tests')).keyId).toBe(id);
  });

  it('apply to verifications in progress', async () => {
    const { authenticator } = await start();
    const next = await configured(['another-key-of-tests', 'one']);
    const judged = authenticator.authenticate(KEY);
    authenticator.configure(true, next);
    await expect(judged).rejects.toEqual(refused('unknown'));
    await expect(authenticator.authenticate(KEY)).rejects.toEqual(refused('unknown'));
  });
});

test("refuses all keys except the operator's if keys are disabled", async () => {
  const { authenticator } = await start({ operator: new OperatorKey(OPERATOR_KEY) });
  const { token } = await latchkey.issue();
  await authenticator.authenticate(KEY);
  await authenticator.authenticate(token);
  authenticator.configure(false, await configured([KEY, 'one']));
  for (const credential of [KEY, token, 'unknown']) {
    await expect(authenticator.authenticate(credential)).rejects.toEqual(refused('unknown'));
    await expect(authenticator.authenticate(credential)).rejects.toThrow('disabled in this installation');
  }
  expect(await authenticator.authenticate(OPERATOR_KEY)).toMatchObject({ kind: 'operator' });
  authenticator.configure(true, ConfiguredKeys.NONE);
  await authenticator.authenticate(token);
});
