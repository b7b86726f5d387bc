import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { act, attempt, look, refusalOf, statusWith } from './operations.js';

let latchkey: TestService;
let admin: string;
beforeAll(async () => {
  latchkey = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' } });
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
});
afterAll(() => latchkey.close());

const NOT_HELD = { code: 'SCOPE_NOT_HELD', missing: ['platform'] };

describe('a key can grant only its own scopes', () => {
  it('an admin cannot grant platform, the operator can', async () => {
    const answer = await attempt(latchkey, 'createApiKey', { name: 'x', scopes: ['read:all', 'platform'] }, admin);
    expect([answer.status, refusalOf(answer)]).toEqual([200, NOT_HELD]);
    await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY);
  });

  it('an admin cannot rotate, update or rename a key with platform, but can revoke it', async () => {
    const strong = await createKey(latchkey, { scopes: ['platform'] }, OPERATOR_KEY);
    const before = await look(latchkey, strong.id, admin);
    for (const [mutation, input] of [
      ['rotateApiKey', { id: strong.id }],
      ['updateApiKey', { id: strong.id, scopes: ['read:all'] }],
      ['updateApiKey', { id: strong.id, name: 'renamed' }],
    ] as const) {
      expect(refusalOf(await attempt(latchkey, mutation, input, admin))).toEqual(NOT_HELD);
    }
    expect(await look(latchkey, strong.id, admin)).toEqual(before);
    await act(latchkey, 'revokeApiKey', { id: strong.id }, admin);
    expect(await statusWith(latchkey, strong.token)).toBe(401);
  });

  it('an admin cannot raise its own scopes', async () => {
    const { data } = (await latchkey.query('{ viewer { credential { id } } }', { token: admin })).body;
    const own = data.viewer.credential.id;
    const answer = await attempt(latchkey, 'updateApiKey', { id: own, scopes: ['admin', 'platform'] }, admin);
    expect(refusalOf(answer)).toEqual(NOT_HELD);
  });
});

describe('limits of key types', () => {
  it.each(['CLIENT', 'READ_ONLY'])("a %s key can't create, change or list keys", async (type) => {
    const { token, id } = await createKey(latchkey, { type, scopes: ['read:all'] }, admin);
    const reason = { code: 'FORBIDDEN', missing: ['admin'] };
    for (const [mutation, input] of [
      ['createApiKey', { name: 'x', scopes: ['read:all'] }],
      ['rotateApiKey', { id }],
      ['expireApiKey', { id, at: '2030-01-01T00:00:00Z' }],
      ['revokeApiKey', { id }],
      ['updateApiKey', { id, scopes: ['read:all', 'write:all'] }],
    ] as const) {
      const answer = await attempt(latchkey, mutation, input, token);
      expect([answer.status, 'data' in answer.body]).toEqual([403, false]);
      expect(refusalOf(answer)).toMatchObject(reason);
    }
    expect((await latchkey.query('{ apiKeys { totalCount } }', { token })).status).toBe(403);
    expect(await statusWith(latchkey, token)).toBe(200);
  });

  it.each([
    ['READ_ONLY', ['write:assets']],
    ['READ_ONLY', ['admin']],
    ['CLIENT', ['admin']],
    ['CLIENT', ['platform']],
  ])('no update gives a %s key the scopes %j, whoever the caller is', async (type, scopes) => {
    const { id } = await createKey(latchkey, { type, scopes: ['read:all'] }, admin);
    for (const token of [admin, OPERATOR_KEY]) {
      const answer = await attempt(latchkey, 'updateApiKey', { id, scopes }, token);
      expect(refusalOf(answer)).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'scopes', 0] });
    }
    expect((await look(latchkey, id, admin)).scopes).toEqual(['read:all']);
  });
});

describe('an update of scopes', () => {
  const read = async (token: string): Promise<number> =>
    (await latchkey.query('{ assets { name } }', { token })).status;

  it('applies from the next request, in both directions', async () => {
    const { token, id } = await createKey(latchkey, { scopes: ['write:assets'] }, admin);
    expect(await read(token)).toBe(403);
    await act(latchkey, 'updateApiKey', { id, scopes: ['read:assets'] }, admin);
    expect(await read(token)).toBe(200);
    await act(latchkey, 'updateApiKey', { id, scopes: ['write:assets'], name: 'writer' }, admin);
    expect(await read(token)).toBe(403);
    expect(await look(latchkey, id, admin)).toMatchObject({ name: 'writer', scopes: ['write:assets'] });
  });

  it('must change something, and changes nothing if a part is refused', async () => {
    const { id } = await createKey(latchkey, {}, admin);
    const before = await look(latchkey, id, admin);
    for (const input of [
      { id },
      { id, name: null, scopes: null },
      { id, name: 'x', scopes: ['fly'] },
      { id, scopes: [] },
    ]) {
      expect(refusalOf(await attempt(latchkey, 'updateApiKey', input, admin)).code).toBe('BAD_USER_INPUT');
    }
    expect(await look(latchkey, id, admin)).toEqual(before);
  });
});

// A comparable library returns 401 "key not found" for a missing permission.
test('a missing scope gets 403 with its name, never 401', async () => {
  const { token } = await createKey(latchkey, { scopes: ['read:assets'] }, admin);
  const answer = await latchkey.query('mutation { refreshFreshness(asset: "a") { name } }', { token });
  expect([answer.status, refusalOf(answer).missing]).toEqual([403, ['write:assets']]);
});
