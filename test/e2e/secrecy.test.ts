import { createKey, OPERATOR_KEY, startService, type Answer, type TestService } from '../support/service.js';
import { act, attempt, statusWith } from './operations.js';

let latchkey: TestService;
const tokens: string[] = [];
const later: Answer[] = [];

beforeAll(async () => {
  latchkey = await startService({
    env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE', LOG_LEVEL: 'trace' },
  });
  const workspace = await act(latchkey, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY);
  const admin: string = workspace.token;
  const made = await createKey(latchkey, {}, admin);
  const rotated = await act(latchkey, 'rotateApiKey', { id: made.id }, admin);
  tokens.push(admin, made.token, rotated.token);

  const keep = async (answer: Promise<Answer>): Promise<void> => void later.push(await answer);
  const all =
    'id name prefix createdBy scopes replaces { id prefix } replacedBy { id prefix } limits { rate { remaining } }';
  await keep(
    latchkey.query(`{ apiKeys { nodes { ${all} } } viewer { credential { id apiKey { ${all} } } } }`, { token: admin }),
  );
  await keep(latchkey.query('{ viewer { credential { id kind } scopes } }', { token: OPERATOR_KEY }));
  await keep(attempt(latchkey, 'revokeApiKey', { id: made.id, reason: 'r' }, admin));
  await keep(latchkey.query('{ viewer { scopes } }', { token: made.token }));
  // Places where callers put keys by mistake: the query, variables, names, IDs, the URL, other header fields.
  const { token } = made;
  await keep(latchkey.query(`{ ${token} }`, { token: admin }));
  await keep(latchkey.query(`query ${token} { viewer { nothing } }`, { token: admin }));
  await keep(latchkey.query(`{ apiKey(id: ${token}) { id } }`, { token: admin }));
  await keep(latchkey.query(`{ asset(name: "${token}" nope: 1) { name } }`, { token: admin }));
  await keep(
    latchkey.query('query ($n: Int) { apiKeys(first: $n) { totalCount } }', { variables: { n: token }, token: admin }),
  );
  await keep(attempt(latchkey, 'revokeApiKey', { id: token }, admin));
  await keep(attempt(latchkey, 'createApiKey', { name: 'x', scopes: [token] }, admin));
  await keep(attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'], expiresAt: token }, admin));
  await keep(attempt(latchkey, 'rotateApiKey', { id: made.id, overlap: token }, admin));
  await keep(latchkey.query('{ viewer { scopes } }', { token: null, headers: { authorization: `Basic ${token}` } }));
  await keep(latchkey.query('{ viewer { scopes } }', { token: admin, headers: { 'x-api-key': token } }));
  await keep(
    latchkey.query('{ viewer { scopes } }', { token: null, headers: { 'x-key': token, cookie: `k=${token}` } }),
  );
  for (const path of [`/graphql?query={${token}}`, `/graphql?key=${token}`, `/${token}`, `/%zz${token}`]) {
    const response = await fetch(latchkey.origin + path, { headers: { 'x-api-key': admin } });
    later.push({ status: response.status, headers: response.headers, text: await response.text(), body: null });
  }
  await statusWith(latchkey, rotated.token);
});
afterAll(() => latchkey.close());

test('only the response that creates a token contains it', () => {
  expect(later).toHaveLength(20);
  for (const { text, headers } of later) {
    const whole = text + JSON.stringify([...headers]);
    for (const token of [...tokens, OPERATOR_KEY]) {
      expect(whole).not.toContain(token);
      // The secret by itself is not there, either.
      expect(whole).not.toContain(token.slice(-38, -6));
    }
  }
});

test('the log never contains it, even at its most verbose level', () => {
  expect(latchkey.logs.length).toBeGreaterThan(20);
  const logs = latchkey.logs.join('');
  for (const token of [...tokens, OPERATOR_KEY]) expect(logs).not.toContain(token.slice(-38, -6));
  expect(logs).not.toMatch(/\$2b\$/);
});

test("the log contains the key's ID, with method, path, status, time and address", () => {
  const requests = latchkey.logs.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
  expect(requests.at(-1)).toMatchObject({
    requestId: expect.any(String),
    method: 'POST',
    path: '/graphql',
    status: 200,
    ms: expect.any(Number),
    address: '127.0.0.1',
    key: expect.stringMatching(/^key_/),
  });
});

test('only the prefix and six characters of the lookup ID of a key are shown', async () => {
  const { apiKey, token } = await act(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all'] }, OPERATOR_KEY);
  expect(apiKey.prefix).toBe(token.slice(0, 'lks_live_'.length + 6));
});
