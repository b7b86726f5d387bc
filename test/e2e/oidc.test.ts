import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIENCE, startIssuer, type Issuer } from '../support/issuer.js';
import { answerOf, createKey, startService, type TestService } from '../support/service.js';

/** Access tokens as clients send them, from an independent issuer. */
const METADATA = 'https://api.latchkey.example/.well-known/oauth-protected-resource/graphql';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const VIEWER = '{ viewer { credential { kind id apiKey { id } } scopes workspace { id } limits { rate { limit } } } }';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-oidc-'));
const path = join(dir, 'latchkey.yaml');
let issuer: Issuer;
let service: TestService;

const fileOf = (more = ''): string =>
  `auth: { oidc: { enabled: true, issuer: "${issuer.url}", audience: "${AUDIENCE}"${more} } }
roles: { analyst: [read:all, write:events] }`;

async function start(text: string, env: Record<string, string> = {}): Promise<TestService> {
  writeFileSync(path, text);
  // Limits also use this clock: no units come back while a test runs.
  const now = Date.now();
  return startService({
    now: () => now,
    env: { LATCHKEY_CONFIG: path, PUBLIC_URL: 'https://api.latchkey.example/', ...env },
  });
}

beforeAll(async () => {
  issuer = await startIssuer();
  service = await start(fileOf());
});
afterAll(async () => {
  await service.close();
  await issuer.leave();
  rmSync(dir, { recursive: true, force: true });
});

test('the viewer shows the identity of the token', async () => {
  const token = await issuer.issue({ scope: 'read:assets', claims: { roles: ['analyst'] } });
  const { body, status } = await service.query(VIEWER, { token });
  expect(status).toBe(200);
  expect(body.data.viewer).toEqual({
    credential: { kind: 'OIDC', id: expect.stringMatching(/^oidc_[0-9a-f]{16}$/), apiKey: null },
    scopes: ['read:assets', 'read:all', 'write:events'],
    workspace: { id: 'default' },
    limits: { rate: { limit: 500 } },
  });
});

test('is guarded like a key: all missing scopes in one 403, whose challenge links to the metadata', async () => {
  const { status, headers, body } = await service.query('{ apiKeys { totalCount } }', { token: await issuer.issue() });
  expect([status, body.errors[0].extensions.code]).toEqual([403, 'FORBIDDEN']);
  expect(headers.get('www-authenticate')).toContain(`scope="admin", resource_metadata="${METADATA}"`);
  const admin = await issuer.issue({ scope: 'admin' });
  expect((await service.query('{ apiKeys { totalCount } }', { token: admin })).status).toBe(200);
});

test('can access only one workspace, whatever its scopes', async () => {
  const token = await issuer.issue({ scope: 'platform admin' });
  const { body } = await service.query(
    'mutation { createWorkspace(input: { name: "other", tier: STARTER }) { workspace { id } } }',
    {
      token,
    },
  );
  expect(body.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missing: ['platform'] });
});

test('its limits belong to the subject, over all of its tokens', async () => {
  const remaining = async (claims: object): Promise<number> => {
    const { headers } = await service.query('{ viewer { scopes } }', { token: await issuer.sign(claims) });
    return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  };
  const first = await remaining({ sub: 'limited' });
  expect(await remaining({ sub: 'limited', jti: 'another' })).toBe(first - 1);
  expect(await remaining({ sub: 'another' })).toBe(first);
});

test('its changes are in the audit log under its ID, and its requests are counted', async () => {
  const token = await issuer.sign({ sub: 'auditor', scope: 'admin' });
  const created = await createKey(service, { name: 'made by a token' }, token);
  await service.service.latchkey.usage.flush();
  const { body } = await service.query(
    `{ auditLog(filter: { subject: "${created.id}" }) { nodes { actorKind actor } }
       viewer { credential { id usage(by: DAY) { requests } } } }`,
    { token },
  );
  const { credential } = body.data.viewer;
  expect(credential.usage.at(-1).requests).toBeGreaterThanOrEqual(1);
  expect(body.data.auditLog.nodes).toEqual([{ actorKind: 'OIDC', actor: credential.id }]);
});

test('keys still work', async () => {
  const { token } = await createKey(service);
  expect((await service.query('{ viewer { credential { kind } } }', { token })).body.data).toEqual({
    viewer: { credential: { kind: 'API_KEY' } },
  });
});

test.each([
  ['no credential', null, 'Bearer realm="latchkey"'],
  ['an unknown key', 'nonsense', 'error="invalid_token"'],
  ['a token that nobody signed', 'eyJhbGciOiJub25lIn0.e30.', 'error="invalid_token"'],
])('%s gets a 401 challenge that links to the metadata', async (_, token, challenge) => {
  const { status, headers } = await service.query('{ viewer { scopes } }', { token });
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toContain(challenge);
  expect(headers.get('www-authenticate')).toMatch(new RegExp(`, resource_metadata="${METADATA}"$`));
});

test('no part of a token is logged or returned', async () => {
  const token = await issuer.issue();
  const [header = '', payload = '', signature = ''] = token.split('.');
  const wrong = `${header}.${payload}.${signature.split('').reverse().join('')}`;
  const answers = [await service.query(VIEWER, { token }), await service.query(VIEWER, { token: wrong })];
  expect(answers.map(({ status }) => status)).toEqual([200, 401]);
  for (const text of [...service.logs, ...answers.map((answer) => answer.text)]) {
    for (const part of [payload, signature]) expect(text).not.toContain(part);
  }
});

describe('the metadata', () => {
  it.each([WELL_KNOWN, `${WELL_KNOWN}/graphql`])('at %s is public and can be cached', async (at) => {
    const { status, headers, body } = await answerOf(
      await fetch(`${service.origin}${at}`, {
        headers: { origin: 'https://page.example' },
      }),
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      resource: 'https://api.latchkey.example/graphql',
      authorization_servers: [issuer.url],
      scopes_supported: expect.arrayContaining(['admin', 'read:assets']),
      bearer_methods_supported: ['header'],
      resource_name: 'Latchkey',
    });
    expect(body.scopes_supported).not.toContain('platform');
    expect(body.scopes_supported).toEqual([...body.scopes_supported].sort());
    expect(headers.get('content-type')).toContain('application/json');
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  // A caller who could choose the host could send others to a false issuer.
  it('is the same for any host in the request', async () => {
    const told = async (host: string) =>
      (await service.service.server.inject({ url: WELL_KNOWN, headers: { host, 'x-forwarded-host': host } })).json();
    expect(await told('evil.example')).toEqual(await told('api.latchkey.example'));
  });

  it('allows clients to send additional header fields', async () => {
    const { status, headers } = await fetch(`${service.origin}${WELL_KNOWN}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://page.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    expect([status, headers.get('access-control-allow-headers')]).toEqual([204, '*']);
  });
});

test('is public even if CORS_ORIGINS is restricted; an explicit resource takes precedence over PUBLIC_URL', async () => {
  const other = await start(fileOf(', resource: "https://other.example/api/graphql"'), {
    CORS_ORIGINS: 'https://app.example',
  });
  try {
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'GET' };
    for (const method of ['GET', 'OPTIONS']) {
      const response = await fetch(`${other.origin}${WELL_KNOWN}/graphql`, { method, headers });
      expect([response.ok, response.headers.get('access-control-allow-origin')]).toEqual([true, '*']);
    }
    const { headers: answered } = await other.query('{ viewer { scopes } }', { token: null });
    expect(answered.get('www-authenticate')).toContain(
      'resource_metadata="https://other.example/.well-known/oauth-protected-resource/api/graphql"',
    );
  } finally {
    await other.close();
  }
});

test.each([
  ['off', () => fileOf().replace('enabled: true', 'enabled: false'), { PUBLIC_URL: 'https://api.latchkey.example' }],
  ['on, without an address of the server', () => fileOf(), {}],
])('with OIDC %s there is no metadata and no link to it', async (_, text, env) => {
  writeFileSync(path, text());
  const other = await startService({
    env: { LATCHKEY_CONFIG: path, ...env },
  });
  try {
    const { status } = await answerOf(await fetch(`${other.origin}${WELL_KNOWN}`));
    expect(status).toBe(404);
    const { headers } = await other.query('{ viewer { scopes } }', { token: null });
    expect(headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
  } finally {
    await other.close();
  }
});

test('a token is malformed while OIDC is off', async () => {
  const other = await start('roles: {}');
  try {
    const { status, body } = await other.query(VIEWER, { token: await issuer.issue() });
    expect([status, body.errors[0].extensions]).toEqual([401, { code: 'UNAUTHENTICATED', reason: 'malformed' }]);
  } finally {
    await other.close();
  }
});

test('the server does not start if the workspace does not exist', async () => {
  await expect(start(fileOf(', workspace: ws_gone'))).rejects.toThrow('Access tokens are in the workspace "ws_gone"');
});

test('an unavailable issuer: 503 with Retry-After, with the reason only in the log', async () => {
  const gone = await startIssuer();
  const token = await gone.issue();
  await gone.leave();
  const other = await start(fileOf().replace(issuer.url, gone.url));
  try {
    const { status, headers, body } = await other.query(VIEWER, { token });
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(body.errors[0].extensions).toEqual({ code: 'UNAVAILABLE', retryAfter: 5 });
    expect(other.logs.join('')).toContain('ECONNREFUSED');
    expect((await other.query('{ viewer { scopes } }')).status).toBe(200);
  } finally {
    await other.close();
  }
});
