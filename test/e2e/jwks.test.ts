import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { ANONYMOUS } from '../../src/core/auth/principal.js';
import { startService, type TestService } from '../support/service.js';

const path = '/.well-known/jwks.json';
const kidsOf = ({ keys }: JSONWebKeySet): (string | undefined)[] => keys.map(({ kid }) => kid);

describe('/.well-known/jwks.json', () => {
  let dataDir: string;
  let one: TestService;
  let two: TestService;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-jwks-'));
    const env = { MONGODB_URI: undefined, PUBLIC_URL: 'https://keys.example' };
    one = await startService({ dataDir, env });
    two = await startService({ dataDir, env });
  });
  afterAll(async () => {
    await two.close();
    await one.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const ask = (service: TestService, init: RequestInit = {}): Promise<Response> => fetch(service.origin + path, init);
  const signedBy = ({ service }: TestService): string => service.latchkey.principalTokens.sign(ANONYMOUS, 'upstream');

  test('has the keys of all processes, and each process lists the keys of every process', async () => {
    const tokens = [signedBy(one), signedBy(two)];
    const jwks = (await (await ask(one)).json()) as JSONWebKeySet;
    expect(kidsOf(jwks).sort()).toEqual(tokens.map((token) => decodeProtectedHeader(token).kid).sort());
    const remote = createRemoteJWKSet(new URL(two.origin + path));
    for (const token of tokens) {
      await jwtVerify(token, remote, { issuer: 'https://keys.example', audience: 'upstream', algorithms: ['EdDSA'] });
    }
  });

  test('needs no credential, can be cached, and is readable by pages of any origin', async () => {
    const response = await ask(one, { headers: { origin: 'https://page.example' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/jwk-set\+json/);
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const etag = response.headers.get('etag') ?? '';
    const again = await ask(one, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await ask(one, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    expect((await ask(one, { method: 'HEAD' })).status).toBe(200);
    expect((await ask(one, { method: 'POST' })).status).toBe(404);
  });

  test('costs a key one request, and refuses an invalid one', async () => {
    const withKey = await ask(one, { headers: { 'x-api-key': one.adminToken } });
    expect([withKey.status, withKey.headers.get('ratelimit')]).toEqual([200, expect.stringContaining('r=')]);
    expect((await ask(one, { headers: { 'x-api-key': 'nonsense' } })).status).toBe(401);
  });

  test('no longer has the key of a process that has stopped without a valid token', async () => {
    const three = await startService({ dataDir, env: { MONGODB_URI: undefined } });
    const kids = async (): Promise<(string | undefined)[]> => kidsOf((await (await ask(one)).json()) as JSONWebKeySet);
    expect(await kids()).toHaveLength(3);
    await three.close();
    expect(await kids()).toHaveLength(2);
  });

  test('has nothing but public values', async () => {
    const text = await (await ask(one)).text();
    await expect(createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)({ alg: 'EdDSA' })).rejects.toThrow('multiple');
    for (const key of (JSON.parse(text) as { keys: object[] }).keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    }
  });
});

test('requests for the keys are counted like other anonymous requests', async () => {
  const service = await startService();
  const { ANONYMOUS: usual, ...tiers } = service.service.latchkey.limiter.tiers;
  await service.close();
  const limited = await startService({ tiers: { ...tiers, ANONYMOUS: { ...usual, rate: 3, burst: 3 } } });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i += 1) statuses.push((await fetch(limited.origin + path)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  await limited.close();
});
