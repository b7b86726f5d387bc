import { request } from 'node:http';
import { act, look } from './operations.js';
import { createKey, startService, type TestService } from '../support/service.js';

/** A request is authenticated when its header arrives, and its body may follow much later. */

let service: TestService;
beforeAll(async () => void (service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } })));
afterAll(() => service.close());

interface Received {
  readonly status: number | undefined;
  readonly text: string;
}

/** Sends the header of a request, calls `meanwhile` once the server waits for the body, and then sends the body. */
function sendSlowly(
  path: string,
  token: string,
  message: object,
  meanwhile: () => Promise<unknown>,
): Promise<Received> {
  const body = JSON.stringify(message);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    accept: 'application/json, text/event-stream',
    expect: '100-continue',
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${service.origin}${path}`, { method: 'POST', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        // A stream does not end by itself.
        if (answer.headers['content-type']?.startsWith('text/event-stream') === true && path !== '/mcp') {
          answer.destroy();
          resolve({ status: answer.statusCode, text });
        }
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    sent.on('error', reject);
    sent.on('continue', () => void meanwhile().then(() => sent.end(body), reject));
    sent.flushHeaders();
  });
}

/** A known key, so that it is authenticated immediately when the header arrives. */
async function aKnownKey(): Promise<{ readonly id: string; readonly token: string }> {
  const key = await createKey(service, { scopes: ['admin', 'read:assets'] });
  expect((await service.query('{ viewer { scopes } }', { token: key.token })).status).toBe(200);
  return key;
}

const nothing = async () => undefined;
const revoke = (id: string) => () => act(service, 'revokeApiKey', { id });
const revocationOf = (id: string) => ({ query: `mutation { revokeApiKey(input: { id: "${id}" }) { __typename } }` });

const MESSAGES: Readonly<Record<string, object>> = {
  '/graphql': { query: '{ workspace { id } }' },
  '/graphql/stream': { query: 'subscription { keyEvents { type } }' },
  '/mcp': { jsonrpc: '2.0', id: 1, method: 'tools/list' },
};

test.each(Object.entries(MESSAGES))('R9: %s accepts a key whose body arrives late', async (path, message) => {
  const { token } = await aKnownKey();
  expect((await sendSlowly(path, token, message, nothing)).status).toBe(200);
});

test.each(Object.entries(MESSAGES))(
  'R9: %s refuses a key that is revoked before its body arrives',
  async (path, message) => {
    const { id, token } = await aKnownKey();
    const { status, text } = await sendSlowly(path, token, message, revoke(id));
    expect({ status, text }).toMatchObject({ status: 401, text: expect.stringContaining('"reason":"revoked"') });
    expect(text).not.toContain('"workspace"');
  },
);

test('R9: a mutation whose key is revoked before its body arrives does not run', async () => {
  const [{ id, token }, first, second] = [await aKnownKey(), await aKnownKey(), await aKnownKey()];
  expect((await sendSlowly('/graphql', token, revocationOf(first.id), nothing)).status).toBe(200);
  expect((await look(service, first.id)).status).toBe('REVOKED');
  expect((await sendSlowly('/graphql', token, revocationOf(second.id), revoke(id))).status).toBe(401);
  expect((await look(service, second.id)).status).toBe('ACTIVE');
});

test('R9: a key that loses a scope before its body arrives runs without it', async () => {
  const [{ id, token }, target] = [await aKnownKey(), await aKnownKey()];
  const lose = () => act(service, 'updateApiKey', { id, scopes: ['read:assets'] });
  expect((await sendSlowly('/graphql', token, revocationOf(target.id), lose)).status).toBe(403);
  expect((await look(service, target.id)).status).toBe('ACTIVE');
});
