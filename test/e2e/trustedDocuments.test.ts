import { createHash } from 'node:crypto';
import { createKey, startService, type TestService } from '../support/service.js';
import { act, attempt, refusalOf } from './operations.js';

let latchkey: TestService;
let token: string;
let other: string;
let boundId: string;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

beforeAll(async () => {
  // Every request reads the key: changes in the store apply immediately.
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', AUTH_CACHE_TTL: '0' } });
  const bound = await createKey(latchkey, { scopes: ['read:all', 'write:all'] });
  token = bound.token;
  boundId = bound.id;
  other = (await createKey(latchkey, { scopes: ['read:all', 'write:all'] })).token;
});
afterAll(() => latchkey.close());
beforeEach(() => bind(null));

/** Sets the documents of the key of `token`; null: no list, which no mutation can set. */
async function bind(trustedDocuments: readonly string[] | null): Promise<void> {
  await latchkey.service.store.keys.update(boundId, null, { trustedDocuments }, { at: Date.now() });
}

const TIERS = '{ tiers { tier } }';
const REGISTER = 'mutation { registerAsset(input: { name: "bound" }) { name } }';

describe('a key that is bound to documents', () => {
  it('runs only those, known or not', async () => {
    await bind([sha256(TIERS)]);
    for (let i = 0; i < 3; i += 1) {
      expect((await latchkey.query(TIERS, { token })).status).toBe(200);
      const answer = await latchkey.query('{ viewer { scopes } }', { token });
      expect([answer.status, answer.headers.get('www-authenticate'), 'data' in answer.body]).toEqual([
        403,
        null,
        false,
      ]);
      expect(refusalOf(answer)).toEqual({ code: 'DOCUMENT_NOT_TRUSTED', sha256: sha256('{ viewer { scopes } }') });
    }
  });

  it('is refused before anything runs, and each refusal counts as one request', async () => {
    await bind([sha256(TIERS)]);
    const left = async (): Promise<number> => {
      const { viewer } = (
        await latchkey.query('{ viewer { credential { apiKey { limits { rate { remaining } } } } } }', { token })
      ).body.data;
      return viewer.credential.apiKey.limits.rate.remaining;
    };
    await bind(null);
    const before = await left();
    await bind([sha256(TIERS)]);
    for (let i = 0; i < 5; i += 1) expect((await latchkey.query(REGISTER, { token })).status).toBe(403);
    await bind(null);
    expect(await left()).toBe(before - 6);
    expect((await latchkey.query('{ asset(name: "bound") { name } }', { token })).body.data.asset).toBeNull();
    await bind([sha256(REGISTER)]);
    expect((await latchkey.query(REGISTER, { token })).body.data.registerAsset.name).toBe('bound');
  });

  it.each([
    ['a space more', `${TIERS} `],
    ['another line', TIERS.replace(' ', '\n')],
    ['a comment', `${TIERS}#`],
    ['a byte order mark', `\ufeff${TIERS}`],
  ])('compares the text as it was sent: %s makes another document', async (_, query) => {
    await bind([sha256(TIERS)]);
    expect((await latchkey.query(TIERS, { token })).status).toBe(200);
    expect(refusalOf(await latchkey.query(query, { token }))).toMatchObject({ sha256: sha256(query) });
    await bind([sha256(query)]);
    expect((await latchkey.query(query, { token })).status).toBe(200);
  });

  it('runs each operation of its documents, with any variables, and by GET', async () => {
    const query = 'query A($v: Boolean!) { tiers @include(if: $v) { tier } } query B { viewer { scopes } }';
    await bind([sha256(query)]);
    const ask = (body: object) =>
      fetch(latchkey.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': token },
        body: JSON.stringify({ query, ...body }),
      });
    expect((await ask({ operationName: 'A', variables: { v: true } })).status).toBe(200);
    expect((await ask({ operationName: 'A', variables: { v: false } })).status).toBe(200);
    expect((await ask({ operationName: 'B' })).status).toBe(200);
    const get = (text: string) =>
      fetch(`${latchkey.url}?query=${encodeURIComponent(text)}`, { headers: { 'x-api-key': token } });
    await bind([sha256(TIERS)]);
    expect([(await get(TIERS)).status, (await get(`${TIERS} `)).status]).toEqual([200, 403]);
  });

  it('still needs the scopes, and does not restrict another key', async () => {
    const query = '{ apiKeys { totalCount } }';
    await bind([sha256(query)]);
    expect(refusalOf(await latchkey.query(query, { token }))).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
    expect((await latchkey.query(TIERS, { token: other })).status).toBe(200);
    expect((await latchkey.query(TIERS, { token: null })).status).toBe(200);
  });

  it('runs nothing if its list is empty', async () => {
    await bind([]);
    expect((await latchkey.query(TIERS, { token })).status).toBe(403);
  });
});

test.each([
  ['no digest', ['abc'], ['input', 'trustedDocuments', 0]],
  ['an empty list', [], ['input', 'trustedDocuments']],
])('%s is bad input of createApiKey and updateApiKey', async (_, trustedDocuments, path) => {
  const { id } = await createKey(latchkey);
  for (const [mutation, input] of [
    ['createApiKey', { name: 'x', scopes: ['read:all'] }],
    ['updateApiKey', { id }],
  ] as const) {
    const answer = await attempt(latchkey, mutation, { ...input, trustedDocuments });
    expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path });
  }
});

test('a key is bound at creation or by an update, and so is its successor', async () => {
  const made = await createKey(latchkey, { scopes: ['read:all'], trustedDocuments: [sha256(TIERS).toUpperCase()] });
  const run = async (text: string, key: string) => (await latchkey.query(text, { token: key })).status;
  expect([await run(TIERS, made.token), await run('{ __typename }', made.token)]).toEqual([200, 403]);
  const heir = await act(latchkey, 'rotateApiKey', { id: made.id });
  expect([await run(TIERS, heir.token), await run('{ __typename }', heir.token)]).toEqual([200, 403]);
  const documents = [sha256('{ __typename }')];
  await act(latchkey, 'updateApiKey', { id: heir.apiKey.id, trustedDocuments: documents });
  expect([await run(TIERS, heir.token), await run('{ __typename }', heir.token)]).toEqual([403, 200]);
  const { apiKey } = (
    await latchkey.query('query ($id: ID!) { apiKey(id: $id) { trustedDocuments } }', {
      variables: { id: heir.apiKey.id },
    })
  ).body.data;
  expect(apiKey).toEqual({ trustedDocuments: documents });
});
