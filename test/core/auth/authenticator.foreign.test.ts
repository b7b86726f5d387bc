import { OperatorKey } from '../../../src/core/auth/operator.js';
import { ConfiguredEntry } from '../../../src/core/auth/configuredEntry.js';
import { ConfiguredKeys } from '../../../src/core/auth/configuredKeys.js';
import { NO_CONFIGURATION } from '../../../src/core/auth/configuration.js';
import { Peppers } from '../../../src/core/keys/pepper.js';
import { mintToken } from '../../../src/core/keys/token.js';
import type { Store } from '../../../src/core/store/store.js';
import { apply, bcryptHash, betterAuthRow, letters } from '../../management/import/harness.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { NOON, openHarness, PEPPER, type Harness } from './harness.js';

let latchkey: Harness;
beforeEach(async () => {
  latchkey = await openHarness();
  await latchkey.store.workspaces.setTier('default', 'ENTERPRISE', NOON);
});
afterEach(() => latchkey.close());

const [ATTACKER, ELSEWHERE] = ['192.0.2.1', '198.51.100.1'];
const NEW_PEPPER = 'a newer pepper for tests, which is long enough';
const refused = (reason: string) => expect.objectContaining({ details: { code: 'UNAUTHENTICATED', reason } });

/** Counts reads of the schemes, in addition to the counts of the harness. */
function countingLooks(): string[] {
  const { store } = latchkey;
  const looks: string[] = [];
  const keys: Store['keys'] = {
    ...store.keys,
    nextLookupId: (from) => {
      looks.push(from);
      return store.keys.nextLookupId(from);
    },
  };
  latchkey.readFrom({ ...store, keys });
  return looks;
}

const importing = (rows: readonly object[], options: Parameters<typeof apply>[3] = {}) =>
  apply(latchkey.store, Peppers.of([PEPPER]), rows, { now: NOON, ...options });
const BCRYPT = { from: 'bcrypt', mapping: { scopes: { r: 'read:assets' }, lookup: { until: '.' } } } as const;
const bcryptRow = (id: string, token: string) => ({
  prefix: id,
  digest: bcryptHash(token),
  name: id,
  scopes: 'r',
  expiresAt: null,
});

const token = letters('imported');

describe('without imported keys', () => {
  it('a text that is not a Latchkey token is malformed without a read, except one read of the schemes in five seconds', async () => {
    const looks = countingLooks();
    const authenticator = latchkey.authenticator();
    for (let i = 0; i < 400; i++) {
      await expect(authenticator.authenticate(letters(`guess ${i}`), ATTACKER)).rejects.toEqual(refused('malformed'));
    }
    expect([looks.length, latchkey.reads]).toEqual([1, []]);
    latchkey.clock.now += 5_000;
    const both = ['one', 'two'].map((seed) => authenticator.authenticate(letters(seed)));
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(looks).toHaveLength(2);
  });

  it('a Latchkey token causes no read of the schemes', async () => {
    const looks = countingLooks();
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate((await latchkey.issue()).token);
    await expect(authenticator.authenticate(mintToken('lks', 'LIVE').token)).rejects.toEqual(refused('unknown'));
    expect(looks).toEqual([]);
  });
});

describe('an imported key', () => {
  it('is accepted without a promise, a read, an HMAC or bcrypt if it is cached', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate(token);
    latchkey.reads.splice(0);
    latchkey.verifications.splice(0);
    for (let i = 0; i < 100; i++)
      expect(authenticator.atOnce(token)).toMatchObject({ kind: 'key', scopes: ['read:assets'] });
    expect([latchkey.reads, latchkey.verifications, latchkey.gate.counts.comparisons]).toEqual([[], [], 0]);
  });

  it('is found in one read, and in one per scheme if there are several', async () => {
    await importing([bcryptRow('app1', 'app1.secret')], BCRYPT);
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate('app1.secret');
    expect(latchkey.reads.splice(0)).toHaveLength(1);
    await authenticator.authenticate(token);
    expect(latchkey.reads.splice(0)).toHaveLength(1);
    await expect(authenticator.authenticate('app2.secret')).rejects.toEqual(refused('unknown'));
    expect(latchkey.reads.splice(0)).toHaveLength(2);
  });

  it('is found five seconds after an import into a running process', async () => {
    const authenticator = latchkey.authenticator();
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('malformed'));
    await importing([betterAuthRow(token)]);
    latchkey.clock.now += 4_999;
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('malformed'));
    latchkey.clock.now += 1;
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key' });
  });

  it('keeps its token while the pepper is replaced and the old one is removed', async () => {
    await importing([betterAuthRow(token)]);
    const digest = async () => {
      const { keys } = await latchkey.store.keys.list('default', { first: 1, after: null, filter: {}, now: NOON });
      return keys[0]?.digest;
    };
    const before = await digest();
    await latchkey.authenticator({ peppers: Peppers.of([NEW_PEPPER, PEPPER]) }).authenticate(token);
    expect(await digest()).not.toBe(before);
    await latchkey.authenticator({ peppers: Peppers.of([NEW_PEPPER]) }).authenticate(token);
    expect(latchkey.gate.counts.comparisons).toBe(0);
  });

  it('is refused as unavailable while the store is unavailable, and the known schemes are kept', async () => {
    await importing([betterAuthRow(token)]);
    const working = latchkey.store;
    const away = { ...working, keys: { ...working.keys, nextLookupId: () => Promise.reject(new Error('away')) } };
    const authenticator = latchkey.authenticator();
    latchkey.readFrom(away);
    await expect(authenticator.authenticate(token)).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
    latchkey.readFrom(working);
    await authenticator.authenticate(token);
    latchkey.readFrom(away);
    latchkey.clock.now += 5_000;
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key' });
  });
});

/** Tokens of this installation with typical mistakes. */
function mistyped(): Record<string, string> {
  const { token: whole } = mintToken('lks', 'LIVE');
  const other = whole[20] === 'A' ? 'B' : 'A';
  return {
    'cut short': whole.slice(0, -1),
    'cut to its prefix': 'lks_live_',
    'cut to an earlier default prefix': 'sk_live_',
    'with another character': whole.slice(0, 20) + other + whole.slice(21),
    'with a character too much': `${whole}x`,
    'with a capital at its beginning': `L${whole.slice(1)}x`,
    'within quotes': `"${whole}"`,
    'without the beginning of its prefix': whole.slice(1),
    'with the prefix of a CLIENT key': `lkc${whole.slice(3)}`,
  };
}

describe('N3: with imported keys, a mistyped token', () => {
  it.each(Object.keys(mistyped()))('(%s) is malformed, after one read per scheme', async (name) => {
    await importing([betterAuthRow(token)]);
    await importing([bcryptRow('app1', 'app1.secret')], BCRYPT);
    const authenticator = latchkey.authenticator();
    const wrong = mistyped()[name] ?? '';
    await expect(authenticator.authenticate(wrong)).rejects.toEqual(refused('malformed'));
    // One scheme matches any text. The other one requires its separator.
    expect([latchkey.reads, latchkey.verifications]).toEqual([['findForVerification'], []]);
  });

  it('is accepted if it is an imported key, whatever its checksum', async () => {
    const likeOurs = `lks_live_${letters('like ours').slice(0, 54)}`;
    const shorter = 'lks_test_4eC39HqLyjWDarjtT1zdp7dc';
    await importing([betterAuthRow(likeOurs), betterAuthRow(shorter)]);
    const authenticator = latchkey.authenticator();
    expect(await authenticator.authenticate(likeOurs)).toMatchObject({ kind: 'key' });
    expect(await authenticator.authenticate(shorter)).toMatchObject({ kind: 'key' });
    await expect(authenticator.authenticate(`${shorter.slice(0, -1)}d`)).rejects.toEqual(refused('malformed'));
  });

  it('is unknown if its checksum is valid, and so is text in another format', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    for (const text of [mintToken('lks', 'LIVE').token, letters('other'), 'pk_live_51HG8vK', 'acme-live-1234567890']) {
      await expect(authenticator.authenticate(text)).rejects.toEqual(refused('unknown'));
    }
  });

  it('costs no read after the address has sent too many', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    const cut = mistyped()['cut short'] ?? '';
    const guesses = Array.from({ length: 1_000 }, (_, i) => authenticator.authenticate(`${cut}${i}`, ATTACKER));
    expect((await Promise.allSettled(guesses)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(latchkey.reads).toHaveLength(320);
  });
});

describe('guesses of imported keys', () => {
  it('from one address are refused after three hundred, even concurrent ones, without further reads', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate(token);
    latchkey.reads.splice(0);
    const guesses = Array.from({ length: 1_000 }, (_, i) =>
      authenticator.authenticate(letters(`guess ${i}`), ATTACKER),
    );
    const codes = (await Promise.allSettled(guesses)).map((each) =>
      each.status === 'rejected' ? (each.reason as { details: { code: string } }).details.code : 'let in',
    );
    expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(300);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(700);
    expect(latchkey.reads).toHaveLength(320);
    expect(authenticator.atOnce(token, ATTACKER)).toMatchObject({ kind: 'key' });
    await expect(authenticator.authenticate(letters('from elsewhere'), ELSEWHERE)).rejects.toEqual(refused('unknown'));
  });

  it('for one bcrypt row cause five runs a minute, and never lock out the holder of the key', async () => {
    await importing([bcryptRow('app1', 'app1.secret')], BCRYPT);
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate('app1.secret');
    const before = latchkey.gate.counts.comparisons;
    const guesses = Array.from({ length: 100 }, (_, i) => authenticator.authenticate(`app1.${i}`, `198.51.100.${i}`));
    expect((await Promise.allSettled(guesses)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(latchkey.gate.counts.comparisons).toBe(before);
    expect(authenticator.atOnce('app1.secret')).toMatchObject({ kind: 'key' });
  });

  it('with characters that a header field would change find nothing', async () => {
    await importing([bcryptRow('app1', 'app1.secret'), bcryptRow('app2', 'app2.secret')], BCRYPT);
    const authenticator = latchkey.authenticator();
    for (const wrong of [
      'app1.sécret',
      'app1.secret\0',
      'app1.\u007f',
      '.secret',
      'app1.',
      'app1',
      `app1.${'s'.repeat(68)}`,
    ]) {
      await expect(authenticator.authenticate(wrong)).rejects.toEqual(refused('malformed'));
    }
    expect(latchkey.gate.counts.comparisons).toBe(0);
  });
});

describe('a text that is both an imported key and another one', () => {
  it("is the operator's key first", async () => {
    await importing([betterAuthRow(OPERATOR_KEY)]);
    const authenticator = latchkey.authenticator({ operator: new OperatorKey(OPERATOR_KEY) });
    expect(await authenticator.authenticate(OPERATOR_KEY)).toMatchObject({ kind: 'operator' });
  });

  it('is the configured key first, even if it is configured later', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key' });
    const entry = new ConfiguredEntry({ key: token, name: 'configured', roles: ['viewer'] });
    const keys = await ConfiguredKeys.hashed({ ...NO_CONFIGURATION, keys: [entry] }, latchkey.gate);
    authenticator.configure(true, keys);
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'configured' });
    authenticator.configure(true, ConfiguredKeys.NONE);
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'key' });
  });

  it('is refused if keys are disabled', async () => {
    await importing([betterAuthRow(token)]);
    const authenticator = latchkey.authenticator();
    await authenticator.authenticate(token);
    authenticator.configure(false, ConfiguredKeys.NONE);
    await expect(authenticator.authenticate(token)).rejects.toEqual(refused('unknown'));
  });
});
