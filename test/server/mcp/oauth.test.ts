import { ClientCredentialsProvider } from '@modelcontextprotocol/client';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIENCE, CLIENT, startIssuer, type Issuer } from '../../support/issuer.js';
import { answerOf, createKey, startService, type TestService } from '../../support/service.js';
import { connect } from './client.js';

/** The official client discovers the issuer and gets a token for /mcp from it. */
const PUBLIC = 'https://api.latchkey.example';
const RESOURCE = `${PUBLIC}/mcp`;
const METADATA = `${PUBLIC}/.well-known/oauth-protected-resource/mcp`;

const dir = mkdtempSync(join(tmpdir(), 'latchkey-mcp-'));
let issuer: Issuer;
let latchkey: TestService;

beforeAll(async () => {
  issuer = await startIssuer();
  const path = join(dir, 'latchkey.yaml');
  writeFileSync(
    path,
    `auth:
  oidc: { issuer: "${issuer.url}", audience: "${AUDIENCE}" }
  api_keys: { keys: [{ name: configured, key: a-configured-key-of-tests-0123456789, roles: [reader] }] }
roles: { reader: [read:assets], writer: [write:assets] }`,
  );
  latchkey = await startService({ env: { LATCHKEY_CONFIG: path, PUBLIC_URL: PUBLIC } });
});
afterAll(async () => {
  await latchkey.close();
  await issuer.leave();
  rmSync(dir, { recursive: true, force: true });
});

/** Sends requests for the public name to the server, as DNS would. */
const reached: typeof fetch = (input, init) =>
  fetch(String(input instanceof Request ? input.url : input).replace(PUBLIC, latchkey.origin), init);

const provider = () =>
  new ClientCredentialsProvider({
    clientId: CLIENT.client_id,
    clientSecret: CLIENT.client_secret,
    expectedIssuer: issuer.url,
  });

// The client requests all scopes of the metadata, whatever its configuration. This issuer knows the ones to read.
test('the client follows the challenge to the issuer, and gets a token for this resource', async () => {
  const authProvider = provider();
  const client = await connect(latchkey, { authProvider, fetch: reached }, RESOURCE);
  const { value } = await client.call('whoami');
  expect(value).toMatchObject({ credential: { kind: 'oidc' }, scopes: ['read:all', 'read:assets'] });
  const [, claims = ''] = (authProvider.tokens()?.access_token ?? '').split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ aud: RESOURCE });

  expect(await client.tools()).not.toContain('run_mutation');
  const refused = await client.call('run_query', { document: '{ apiKeys { totalCount } }' });
  expect(refused.value.errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', missing: ['admin'] });
  await client.close();
});

test('scopes to write come from the roles of the user', async () => {
  // The issuer writes them into each token from now on.
  await issuer.issue({ claims: { roles: ['writer'] } });
  const client = await connect(latchkey, { authProvider: provider(), fetch: reached }, RESOURCE);
  expect(await client.tools()).toContain('run_mutation');
  const document = 'mutation { registerAsset(input: { name: "by-token" }) { name } }';
  expect((await client.call('run_mutation', { document })).value.data.registerAsset.name).toBe('by-token');
  await client.close();
});

test.each([
  ['the audience of the configuration', AUDIENCE, 200],
  ['the address of /mcp', RESOURCE, 200],
  ['another server', 'https://other.example/mcp', 401],
])('a token for %s', async (_, audience, status) => {
  const token = await issuer.issue({ audience });
  expect((await post(token)).status).toBe(status);
});

test('without a credential the challenge leads to the metadata of /mcp', async () => {
  const { status, headers, body } = await post(null);
  expect([status, headers.get('www-authenticate')]).toEqual([
    401,
    `Bearer realm="latchkey", resource_metadata="${METADATA}"`,
  ]);
  expect(body).toMatchObject({
    jsonrpc: '2.0',
    id: null,
    error: { data: { code: 'UNAUTHENTICATED', reason: 'missing' } },
  });
});

test('the metadata contains the resource with its public address, and only scopes to read', async () => {
  const { status, body } = await answerOf(await reached(METADATA));
  expect([status, body.resource, body.authorization_servers]).toEqual([200, RESOURCE, [issuer.url]]);
  expect(body.scopes_supported).toEqual(['read:all', 'read:assets', 'read:events', 'read:users']);
});

test('keys continue to work, including configured ones', async () => {
  for (const token of [(await createKey(latchkey)).token, 'a-configured-key-of-tests-0123456789']) {
    const client = await connect(latchkey, token);
    expect((await client.call('whoami')).value.scopes).toEqual(['read:assets']);
    await client.close();
  }
});

async function post(token: string | null) {
  return answerOf(
    await fetch(`${latchkey.origin}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(token !== null && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    }),
  );
}
