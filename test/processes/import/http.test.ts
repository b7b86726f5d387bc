import { createHash, randomBytes } from 'node:crypto';
import { Peppers } from '../../../src/core/keys/pepper.js';
import { applyImport } from '../../../src/management/import/apply.js';
import { mappingOf } from '../../../src/management/import/mapping.js';
import { inWords, reportOf } from '../../../src/management/import/importReport.js';
import { mintToken } from '../../../src/core/keys/token.js';
import { TIER_LIMITS } from '../../../src/core/limits/tiers.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../../support/service.js';
import {
  apply,
  bcryptHash,
  betterAuthDigest,
  betterAuthRow,
  letters,
  plan,
  SCOPES,
} from '../../management/import/harness.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const DAY = 24 * 60 * 60_000;
const PEPPER = 'the pepper of imports in tests; long enough';
const PEPPERS = Peppers.of([PEPPER]);

const clock = { now: NOON };
let latchkey: TestService;
beforeEach(async () => {
  clock.now = NOON;
  latchkey = await startService({
    now: () => clock.now,
    env: { KEY_PEPPER: PEPPER, AUTH_CACHE_TTL: '0', DEFAULT_TIER: 'ENTERPRISE' },
  });
});
afterEach(() => latchkey.close());

/** Returns the scopes of a token, or the reason for the 401. */
async function seen(token: string): Promise<unknown> {
  const { status, body } = await latchkey.query('{ viewer { scopes } }', { token });
  return status === 200 ? body.data.viewer.scopes : body.errors[0].extensions.reason;
}

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
const imports = (rows: readonly object[], options: Parameters<typeof apply>[3] = {}, peppers = PEPPERS) =>
  apply(latchkey.service.store, peppers, rows, { now: clock.now, ...options });

const FIND = 'query Find($text: String!) { findApiKeys(text: $text) { name } }';

test('U4: finds only the imported key of a token, with any text around it', async () => {
  const tokens = [
    letters('found'),
    `SG.${mintToken('lks', 'LIVE').token.slice(9, 31)}.${randomBytes(32).toString('base64url')}`,
    ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dc'].join('_'),
  ];
  await imports(tokens.map((token, i) => betterAuthRow(token, { name: `imported ${i}` })));
  const other = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
  clock.now += 5_000;
  const find = async (text: string) =>
    (await latchkey.query(FIND, { variables: { text } })).body.data.findApiKeys.map(
      ({ name }: { name: string }) => name,
    );
  for (const around of [
    (token: string) => token,
    (token: string) => `Authorization: Bearer ${token}`,
    (token: string) => `API_KEY="${token}"`,
    (token: string) => `{"credentials":{"token":"${token}"}}`,
    (token: string) => `api:\n  key: ${token}\n  retries: 3`,
    (token: string) => `curl -H 'X-API-Key: ${token}' https://api.example.com/graphql`,
    (token: string) => `https://api.example.com/graphql?key=${token}&page=2`,
    (token: string) => `token=3D${token.slice(0, 20)}=\r\n${token.slice(20)}\r\nRegards`,
    (token: string) => `Authorization: Basic ${Buffer.from(`ci:${token}`).toString('base64')}`,
    (token: string) => `sha256:${sha256(token)}`,
    (token: string) => sha256(token),
    (token: string) => betterAuthDigest(token),
  ]) {
    for (const [i, token] of tokens.entries()) {
      expect([around(token), await find(around(token))]).toEqual([around(token), [`imported ${i}`]]);
    }
    expect([around(other), await find(around(other))]).toEqual([around(other), []]);
  }
  // The prefix that the other system displayed.
  expect(await find(tokens[1]?.slice(0, 6) ?? '')).toEqual(['imported 1']);
});

const PLAIN = { scopes: { r: 'read:assets' } };

describe('a key of better-auth', () => {
  const token = letters('one');

  it('keeps its token and permissions', async () => {
    expect(await seen(token)).toBe('malformed');
    const both = letters('both');
    await imports([betterAuthRow(token), betterAuthRow(both, { permissions: { files: ['read', 'write', 'own'] } })]);
    clock.now += 5_000;
    expect(await seen(token)).toEqual(['read:assets']);
    expect(await seen(both)).toEqual(['read:assets', 'write:assets']);
    const { status } = await latchkey.query('mutation { revokeApiKey(input: { id: "key_0" }) { apiKey { id } } }', {
      token,
    });
    expect(status).toBe(403);
  });

  it('is listed, audited and revoked like any other key', async () => {
    await imports([betterAuthRow(token, { expiresAt: '2026-03-02T12:00:00Z' })]);
    const { body } = await latchkey.query(
      '{ apiKeys(filter: { nameContains: "airflow" }) { nodes { id prefix type status expiresAt } } }',
    );
    const [key, ...others] = body.data.apiKeys.nodes;
    expect(others).toEqual([]);
    expect(key).toMatchObject({ prefix: token.slice(0, 6), type: 'SECRET', status: 'ACTIVE' });
    const log = await latchkey.query(
      `{ auditLog(filter: { subject: "${key.id}" }) { nodes { action actorKind userAgent } } }`,
    );
    expect(log.body.data.auditLog.nodes).toEqual([
      { action: 'KEY_IMPORTED', actorKind: 'OPERATOR', userAgent: 'latchkey import' },
    ]);
    expect(await seen(token)).toEqual(['read:assets']);
    await latchkey.query(`mutation { revokeApiKey(input: { id: "${key.id}" }) { apiKey { id } } }`);
    expect(await seen(token)).toBe('revoked');
    expect(latchkey.logs.join('\n')).not.toContain(token);
  });

  it('expires at the same time as in the other system', async () => {
    await imports([betterAuthRow(token, { expiresAt: '2026-03-02T12:00:00Z' })]);
    clock.now = NOON + DAY - 1;
    expect(await seen(token)).toEqual(['read:assets']);
    clock.now = NOON + DAY;
    expect(await seen(token)).toBe('expired');
  });

  it('is rotated to a Latchkey token and works until the overlap ends', async () => {
    await imports([betterAuthRow(token)]);
    const { body } = await latchkey.query('{ apiKeys(filter: { nameContains: "airflow" }) { nodes { id } } }');
    const rotated = await latchkey.query(
      `mutation { rotateApiKey(input: { id: "${body.data.apiKeys.nodes[0].id}", overlap: "PT1H" }) { token } }`,
    );
    const successor = rotated.body.data.rotateApiKey.token;
    expect(successor).toMatch(/^lks_live_/);
    expect([await seen(token), await seen(successor)]).toEqual([['read:assets'], ['read:assets']]);
    clock.now += 3_600_000;
    expect([await seen(token), await seen(successor)]).toEqual(['expired', ['read:assets']]);
  });

  it('is refused if it was disabled there or has expired', async () => {
    const [off, old] = [letters('off'), letters('old')];
    await imports([
      betterAuthRow(token),
      betterAuthRow(off, { enabled: false }),
      betterAuthRow(old, { expiresAt: '2026-03-01T12:00:00Z' }),
    ]);
    expect([await seen(token), await seen(off), await seen(old)]).toEqual([['read:assets'], 'unknown', 'unknown']);
  });

  it('is refused for its digest and for a slightly different token', async () => {
    await imports([betterAuthRow(token)]);
    const wrong = [
      sha256(token),
      String(betterAuthRow(token).key),
      token.slice(1),
      `${token}a`,
      token.toUpperCase(),
      token.slice(0, 6),
    ];
    for (const each of wrong) expect(await seen(each)).toBe('unknown');
    expect(await seen('x'.repeat(257))).toBe('malformed');
  });

  it('is never looked up if it looks like an access token', async () => {
    const jwt = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;
    await imports([betterAuthRow(token), betterAuthRow(jwt)]);
    expect([await seen(token), await seen(jwt)]).toEqual([['read:assets'], 'malformed']);
  });
});

describe('an imported key never hides another key:', () => {
  it('a Latchkey key whose token is also in the table still works', async () => {
    const own = await createKey(latchkey, { scopes: ['read:events'] });
    await imports([betterAuthRow(own.token)]);
    expect(await seen(own.token)).toEqual(['read:events']);
    await latchkey.query(`mutation { revokeApiKey(input: { id: "${own.id}" }) { apiKey { id } } }`);
    expect(await seen(own.token)).toBe('revoked');
  });

  it('a token of the other system in the format of Latchkey is found', async () => {
    const own = await createKey(latchkey);
    const { token } = mintToken('lks', 'LIVE');
    await imports([betterAuthRow(token)]);
    expect(await seen(letters('to look at the store'))).toBe('unknown');
    expect([await seen(own.token), await seen(token)]).toEqual([['read:assets'], ['read:assets']]);
  });
});

describe('a SHA-256', () => {
  const row = (token: string) => ({ digest: sha256(token), name: 'plain', scopes: 'r', expiresAt: null });
  const options = { from: 'sha256', mapping: PLAIN } as const;

  it.each([
    ['the pepper that the server has', PEPPERS],
    ['no pepper', null],
    ['a pepper that is lost', Peppers.of(['another pepper that nobody knows any more'])],
  ])('is found after an import under %s, and runs bcrypt only at its first use', async (_, peppers) => {
    const token = letters('plain');
    await imports([row(token)], options, peppers);
    for (let i = 0; i < 3; i++) expect(await seen(token)).toEqual(['read:assets']);
    expect(latchkey.service.latchkey.bcrypt.counts.comparisons).toBe(peppers === PEPPERS ? 0 : 1);
    expect(await seen(letters('another'))).toBe('unknown');
  });

  it('is nowhere in the store and does not work as a token', async () => {
    const token = letters('plain');
    await imports([row(token)], options);
    const [key] = (
      await latchkey.service.store.keys.list('default', {
        first: 1,
        after: null,
        filter: { nameContains: 'plain' },
        now: NOON,
      })
    ).keys;
    expect(JSON.stringify(key)).not.toContain(sha256(token));
    expect(await seen(sha256(token))).toBe('unknown');
    expect(await seen(key?.lookupId ?? '')).toBe('unknown');
  });
});

describe('a bcrypt hash', () => {
  const until = { from: 'bcrypt', mapping: { ...PLAIN, lookup: { until: '.' } } } as const;
  const rest = { from: 'bcrypt', mapping: { ...PLAIN, lookup: { until: '.' }, hashed: 'rest' } } as const;
  const prefix = { from: 'bcrypt', mapping: { ...PLAIN, lookup: { prefix: 8 } } } as const;
  const row = (locator: string, hashed: string) => ({
    prefix: locator,
    digest: bcryptHash(hashed).replace('$2b$', '$2y$'),
    name: 'bcrypt',
    scopes: 'r',
    expiresAt: null,
  });

  it.each([
    ['of a whole token that begins with an id', until, row('app1', 'app1.the-secret'), 'app1.the-secret'],
    ['of what follows on the id', rest, row('app1', 'the-secret'), 'app1.the-secret'],
    ['of a token of which the beginning is kept', prefix, row('abcdefgh', 'abcdefghijkl'), 'abcdefghijkl'],
  ])('%s accepts its token and runs bcrypt once', async (_, options, given, token) => {
    await imports([given], options);
    for (let i = 0; i < 3; i++) expect(await seen(token)).toEqual(['read:assets']);
    expect(latchkey.service.latchkey.bcrypt.counts.comparisons).toBe(1);
    for (const wrong of [`${token}x`, token.slice(0, -1), 'the-secret', given.prefix])
      expect(['unknown', 'malformed']).toContain(await seen(wrong));
    // After the first use, the digest decides, so wrong tokens cause no bcrypt runs.
    expect(latchkey.service.latchkey.bcrypt.counts.comparisons).toBe(1);
  });

  it('of more than 72 bytes could match many tokens, so all of them are refused', async () => {
    const token = `app1.${'s'.repeat(67)}`;
    await imports([row('app1', token)], until);
    expect(await seen(`${token}anything`)).toBe('malformed');
    expect(await seen(token)).toEqual(['read:assets']);
    expect(await seen(`${token}anything`)).toBe('malformed');
  });

  it('is limited to five bcrypt runs a minute for wrong tokens of one row', async () => {
    await imports([row('app1', 'app1.the-secret')], until);
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, i) => latchkey.query('{ viewer { scopes } }', { token: `app1.guess-${i}` })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));
    expect(latchkey.service.latchkey.bcrypt.counts.comparisons).toBe(5);
  });

  it('and a SHA-256 can be imported side by side', async () => {
    const token = letters('plain');
    await imports([row('app1', 'app1.the-secret')], until);
    await imports([row('abcdefgh', 'abcdefghijkl')], prefix);
    await imports([betterAuthRow(token)]);
    for (const each of ['app1.the-secret', 'abcdefghijkl', token]) expect(await seen(each)).toEqual(['read:assets']);
  });
});

describe('an import', () => {
  const rows = Array.from({ length: 12 }, (_, i) => betterAuthRow(letters(`row ${i}`)));
  const count = () => latchkey.service.store.keys.countFamilies('default', clock.now);

  it('that runs twice creates each key once, even if one was revoked in between', async () => {
    const before = await count();
    expect(await imports(rows)).toEqual({ imported: 12, present: 0, problems: [] });
    const { keys } = await latchkey.service.store.keys.list('default', {
      first: 1,
      after: null,
      filter: { nameContains: 'airflow' },
      now: NOON,
    });
    await latchkey.service.store.keys.revoke(keys[0]?.id ?? '', 'default', null, { at: NOON });
    expect(await imports(rows)).toEqual({ imported: 0, present: 0, problems: [] });
    expect(await count()).toBe(before + 11);
  });

  it('X11: does not bring back a key that ended and was removed', async () => {
    const { store } = latchkey.service;
    const { keys } = store;
    const outdated = await plan(store, rows, { now: clock.now });
    await imports(rows);
    const [first] = (
      await keys.list('default', { first: 1, after: null, filter: { nameContains: 'airflow' }, now: NOON })
    ).keys;
    await keys.revoke(first?.id ?? '', 'default', 'leaked', { at: NOON });
    expect(await keys.removeEnded(NOON, 9)).toEqual({ removed: 1, isDone: true });
    const again = await plan(store, rows, { now: clock.now });
    expect(again).toMatchObject({ keys: [], present: 11, problems: [] });
    expect(again.leftOut).toEqual([{ line: expect.any(Number), name: 'airflow', reason: 'removed', at: null }]);
    expect(inWords(reportOf(again))).toContain('1 key skipped: ended and removed (KEEP_ENDED_KEYS).');
    expect((await plan(store, [betterAuthRow(letters('new'))], { now: clock.now })).keys).toHaveLength(1);

    // A plan from before the removal creates nothing either.
    const options = {
      store,
      mapping: mappingOf('better-auth', { scopes: SCOPES }),
      peppers: PEPPERS,
      tiers: TIER_LIMITS,
    };
    expect(await applyImport(outdated.keys, { ...options, now: () => clock.now })).toEqual({
      imported: 0,
      present: 11,
      problems: [{ line: again.leftOut[0]?.line, problem: expect.stringContaining('was removed (KEEP_ENDED_KEYS)') }],
    });
    const answers = await Promise.all(rows.map((_, i) => seen(letters(`row ${i}`))));
    expect(answers.filter((answer) => answer === 'unknown')).toHaveLength(1);
  });

  it('that runs twice at the same time creates each key once', async () => {
    const before = await count();
    const done = await Promise.all([imports(rows), imports(rows), imports(rows)]);
    expect(done.reduce((sum, { imported }) => sum + imported, 0)).toBe(12);
    expect(await count()).toBe(before + 12);
  });

  it('that was interrupted can be run again', async () => {
    await imports(rows.slice(0, 5));
    expect(await imports(rows)).toEqual({ imported: 7, present: 0, problems: [] });
    for (let i = 0; i < 12; i++) expect(await seen(letters(`row ${i}`))).toEqual(['read:assets']);
  });
});

it("does not replace the operator's key or a configured key with the same text", async () => {
  await latchkey.close();
  latchkey = await startService({
    now: () => clock.now,
    env: { KEY_PEPPER: PEPPER, ADMIN_API_KEY: OPERATOR_KEY, AUTH_CACHE_TTL: '0' },
  });
  await imports([betterAuthRow(OPERATOR_KEY), betterAuthRow(letters('one'))]);
  expect(await seen(OPERATOR_KEY)).toEqual(['platform']);
  expect(await seen(letters('one'))).toEqual(['read:assets']);
});

describe('N3: a mistyped token', () => {
  it('is malformed before and after an import, and any other wrong text is unknown after it', async () => {
    const whole = await createKey(latchkey, {});
    const wrong = [whole.token.slice(0, -3), `${whole.token.slice(0, -1)}${whole.token.endsWith('A') ? 'B' : 'A'}`];
    for (const text of wrong) expect(await seen(text)).toBe('malformed');
    expect(await seen(letters('nobody'))).toBe('malformed');
    const likeOurs = `lks_live_${letters('like ours').slice(0, 54)}`;
    await imports([betterAuthRow(letters('one')), betterAuthRow(likeOurs)]);
    clock.now += 5_000;
    for (const text of wrong) expect(await seen(text)).toBe('malformed');
    expect(await seen(letters('nobody'))).toBe('unknown');
    expect(await seen(mintToken('lks', 'LIVE').token)).toBe('unknown');
    expect(await seen(likeOurs)).toEqual(['read:assets']);
    expect(await seen(whole.token)).toEqual(['read:assets']);
  });

  it('starts with a prefix of the installation or a default prefix', async () => {
    const named = await startService({
      now: () => clock.now,
      env: { KEY_PEPPER: PEPPER, KEY_PREFIXES: 'SECRET:acme', DEFAULT_TIER: 'ENTERPRISE' },
    });
    try {
      const reasonOf = async (token: string): Promise<unknown> =>
        (await named.query('{ viewer { scopes } }', { token })).body.errors[0].extensions.reason;
      await apply(named.service.store, PEPPERS, [betterAuthRow(letters('one'))], { now: clock.now });
      for (const text of ['acme_live_cut', 'lks_live_cut', 'lkc_test_cut'])
        expect(await reasonOf(text)).toBe('malformed');
      for (const text of ['other_live_cut', 'acme-live-cut']) expect(await reasonOf(text)).toBe('unknown');
    } finally {
      await named.close();
    }
  });
});
