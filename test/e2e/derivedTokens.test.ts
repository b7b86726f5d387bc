import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { ANONYMOUS } from '../../src/core/auth/principal.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';
import { act, attempt, look } from './operations.js';

const ISSUER = 'https://keys.example';
const DERIVE =
  'mutation ($input: DeriveTokenInput!) { deriveToken(input: $input) { token id expiresAt scopes audience } }';

let dataDir: string;
let one: TestService;
let two: TestService;
let admin: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-derived-'));
  const env = {
    MONGODB_URI: undefined,
    ADMIN_API_KEY: OPERATOR_KEY,
    DEFAULT_TIER: 'ENTERPRISE',
    PUBLIC_URL: ISSUER,
    LOG_LEVEL: 'trace',
  };
  one = await startService({ dataDir, env });
  two = await startService({ dataDir, env });
  admin = (await act(one, 'createWorkspace', { name: 'w', tier: 'ENTERPRISE' }, OPERATOR_KEY)).token;
});
afterAll(async () => {
  await two.close();
  await one.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const ask = (token: string | null, input: object, service = one) =>
  service.query(DERIVE, { token, variables: { input } });
const derive = async (token: string, input: object = {}) => {
  const { body } = await ask(token, { scopes: ['read:assets'], ttl: 'PT5M', ...input });
  if (body.data?.deriveToken == null) throw new Error(`No token was derived: ${JSON.stringify(body)}`);
  return body.data.deriveToken as { token: string; id: string; expiresAt: string; scopes: string[]; audience: string };
};
const assets = (service: TestService, token: string, headers: Record<string, string> = {}) =>
  service.query('{ assets { name } }', { token, headers });
const key = (input: Parameters<typeof createKey>[1] = {}) =>
  createKey(one, { scopes: ['read:assets', 'write:assets'], ...input }, admin);

describe('a derived token', () => {
  test('works at every process on the store like a key, in each header field', async () => {
    const { token, id } = await key();
    const derived = await derive(token);
    expect(derived).toMatchObject({ scopes: ['read:assets'], audience: ISSUER });
    for (const service of [one, two]) {
      expect((await assets(service, derived.token)).status).toBe(200);
      for (const headers of [{ authorization: `Api-Key ${derived.token}` }, { 'x-api-key': derived.token }]) {
        const { body } = await service.query('{ viewer { scopes credential { kind id } } }', { token: null, headers });
        expect(body.data.viewer).toEqual({ scopes: ['read:assets'], credential: { kind: 'DERIVED_TOKEN', id } });
      }
    }
    const refused = await one.query('mutation { registerAsset(input: { name: "x" }) { name } }', {
      token: derived.token,
    });
    expect([refused.status, refused.body.errors[0].extensions]).toMatchObject([403, { missing: ['write:assets'] }]);
  });

  test('can be verified offline with the published keys', async () => {
    const { token, id } = await key();
    const derived = await derive(token, { audience: 'https://orders.example' });
    const keys = createRemoteJWKSet(new URL(`${two.origin}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(derived.token, keys, {
      issuer: ISSUER,
      audience: 'https://orders.example',
      typ: 'latchkey-derived+jwt',
      algorithms: ['EdDSA'],
    });
    expect(payload).toMatchObject({ key_id: id, scope: 'read:assets', jti: derived.id });
    expect(new Date(derived.expiresAt).getTime()).toBe((payload.exp ?? 0) * 1_000);
    const here = await assets(one, derived.token);
    expect([here.status, here.body.errors[0].message]).toEqual([401, expect.stringContaining('another audience')]);
  });

  test('is refused as soon as its key is revoked, by other processes within the time of the cache', async () => {
    const { token, id } = await key();
    const derived = await derive(token);
    for (const service of [one, two]) expect((await assets(service, derived.token)).status).toBe(200);
    await act(one, 'revokeApiKey', { id }, admin);
    const { status, body, headers } = await assets(one, derived.token);
    expect([status, body.errors[0].extensions, headers.get('www-authenticate')]).toEqual([
      401,
      { code: 'UNAUTHENTICATED', reason: 'revoked' },
      expect.stringContaining('Bearer'),
    ]);
    expect(body.errors[0].message).toBe(
      'The key of this derived token was revoked. Derive a new token with a valid key.',
    );
    await until(async () => (await assets(two, derived.token)).status === 401, { every: 50 });
    expect((await ask(token, { scopes: ['read:assets'] })).status).toBe(401);
  });

  test('ends its streams when its key is revoked', async () => {
    const { token, id } = await key();
    const derived = await derive(token);
    const stream = await openStream(one.origin, 'subscription { assetChanged { name } }', { token: derived.token });
    expect(stream.status).toBe(200);
    await act(one, 'revokeApiKey', { id }, admin);
    await until(() => stream.over(), 'the stream ends');
  });

  test('counts towards the usage and the limits of its key', async () => {
    const { token, id } = await key();
    const derived = await derive(token);
    const remaining = async (credential: string): Promise<number> => {
      const { body } = await one.query('{ viewer { limits { rate { remaining } } } }', { token: credential });
      return body.data.viewer.limits.rate.remaining;
    };
    const before = await remaining(token);
    await assets(one, derived.token);
    expect(await remaining(derived.token)).toBe(before - 2);
    expect(await remaining(token)).toBe(before - 3);
    await until(async () => (await look(one, id, admin)).lastUsedAt !== null, { every: 50 });
  });

  test('cannot manage keys or derive tokens', async () => {
    const derived = await derive(admin, { scopes: ['read:all', 'write:all'] });
    for (const mutation of ['createApiKey', 'revokeApiKey'] as const) {
      const input = mutation === 'createApiKey' ? { name: 'x', scopes: ['read:assets'] } : { id: 'key_1' };
      expect((await attempt(one, mutation, input, derived.token)).status).toBe(403);
    }
    const { body } = await ask(derived.token, { scopes: ['read:assets'] });
    expect(body.errors[0]).toMatchObject({
      extensions: { code: 'FORBIDDEN' },
      message: expect.stringContaining('key itself'),
    });
  });

  test('is not derived without a key, and not by the key of the operator', async () => {
    expect((await ask(null, { scopes: ['read:assets'] })).status).toBe(401);
    expect((await ask(OPERATOR_KEY, { scopes: ['read:assets'] })).body.errors[0].extensions.code).toBe('FORBIDDEN');
  });

  test('has a default lifetime of 15 minutes, and refusals name the argument', async () => {
    const { token } = await key();
    const { token: derived } = (await ask(token, { scopes: ['read:assets'] })).body.data.deriveToken;
    const { iat = 0, exp } = decodeJwt(derived);
    expect(exp).toBe(iat + 900);
    const { body } = await ask(token, { scopes: ['read:assets'], ttl: 'PT61M' });
    expect(body.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'ttl'] });
  });

  test('is in no log line and in no audit entry', async () => {
    const { token } = await key();
    const derived = await derive(token);
    await assets(one, derived.token);
    await assets(one, `${derived.token}x`);
    const [, payload = '', signature = ''] = derived.token.split('.');
    const { body } = await one.query('{ auditLog(first: 100) { edges { node { action before after actor } } } }', {
      token: admin,
    });
    expect(body.errors).toBeUndefined();
    for (const text of [one.logs.join('\n'), JSON.stringify(body)]) {
      expect(text).not.toContain(payload);
      expect(text).not.toContain(signature);
    }
  });
});

test('rejects a Latchkey-Principal token as a credential, and ignores its header field', async () => {
  const token = one.service.latchkey.principalTokens.sign(ANONYMOUS, ISSUER);
  const { status, body } = await one.query('{ tiers { tier } }', { token });
  expect([status, body.errors[0].message]).toEqual([401, expect.stringContaining('is not a credential')]);
  const ignored = await one.query('{ viewer { scopes } }', { token: null, headers: { 'latchkey-principal': token } });
  expect([ignored.status, ignored.body.errors[0].extensions.reason]).toEqual([401, 'missing']);
});
