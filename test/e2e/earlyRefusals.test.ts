import { jest } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { Agent, request } from 'node:http';
import { mintToken } from '../../src/core/keys/token.js';
import { act, statusWith } from './operations.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY } })));
afterAll(() => latchkey.close());

/** Returns what a response contains, without what differs for each request. */
async function answerAt(path: string, token: string, fields: Record<string, string> = {}, service = latchkey) {
  const response = await fetch(`${service.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...fields },
    body: '{"query":"{ __typename }"}',
  });
  const headers = Object.fromEntries(response.headers);
  expect(headers['x-request-id']).toMatch(/^[\w-]{20,}$/);
  const { 'x-request-id': _id, date: _date, ...rest } = headers;
  return { status: response.status, headers: rest, body: await response.text() };
}

/** A request of a page is refused by a hook of the route, other requests before routing. */
const SENDERS = [{ origin: 'https://app.example' }, {}];

/** /graphql sends refusals itself. Other routes leave them to Fastify. */
async function assertSame(token: string, status: number): Promise<void> {
  for (const fields of [...SENDERS, ...SENDERS]) {
    const early = await answerAt('/graphql', token, fields);
    expect(early.status).toBe(status);
    expect(early).toEqual(await answerAt('/graphql/stream', token, fields));
  }
}

test('a refusal before the body is read is the same response as on a route where Fastify sends it', async () => {
  await assertSame('nonsense', 401);
  const { token: admin } = await act(latchkey, 'createWorkspace', { name: 'W', tier: 'GROWTH' }, OPERATOR_KEY);
  await assertSame(`${admin.slice(0, -1)}${admin.endsWith('0') ? '1' : '0'}`, 401);
  const elsewhere = await createKey(latchkey, { name: 'elsewhere', allowedAddresses: ['203.0.113.0/24'] }, admin);
  await assertSame(elsewhere.token, 403);
  const ended = await createKey(latchkey, { name: 'ended' }, admin);
  await act(latchkey, 'revokeApiKey', { id: ended.id }, admin);
  await assertSame(ended.token, 401);
});

test('a key that has used up its limits gets the state of its limits', async () => {
  const { token } = await act(latchkey, 'createWorkspace', { name: 'T', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
  while ((await statusWith(latchkey, token)) === 200);
  for (const fields of SENDERS) {
    const { status, headers } = await answerAt('/graphql', token, fields);
    expect(status).toBe(429);
    expect(headers).toMatchObject({
      ratelimit: expect.stringContaining('r=0'),
      'ratelimit-policy': expect.stringContaining('w=60'),
      'retry-after': expect.stringMatching(/^\d+$/),
      'cache-control': 'private, no-store',
    });
  }
});

/** Returns Retry-After, after comparing it with the message, and the response with the framework's response. */
async function waitOf(service: FrozenService, token: string): Promise<number | null> {
  const [late, early] = await Promise.all(SENDERS.map((fields) => answerAt('/graphql', token, fields, service)));
  if (early?.status === 200) return null;
  expect(early).toEqual(late);
  expect(early?.status).toBe(429);
  const { message, extensions } = JSON.parse(early?.body ?? '').errors[0];
  const wait = Number(early?.headers['retry-after']);
  expect(extensions.retryAfter).toBe(wait);
  expect(message).toMatch(new RegExp(`try again in ${wait} s`, 'i'));
  return wait;
}

test('the time to wait is computed for each request', async () => {
  const { token } = await act(latchkey, 'createWorkspace', { name: 'L', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
  // Its limits are 20 requests a minute and 2 a second.
  for (let i = 0; i < 10; i++) {
    for (let sent = 0; sent < 2; sent++) expect(await statusWith(latchkey, token)).toBe(200);
    expect(await waitOf(latchkey, token)).toBe(i === 9 ? 51 : 1);
    latchkey.pass(1_000);
  }
  const waits: (number | null)[] = [];
  for (let i = 0; i < 6; i++) {
    waits.push(await waitOf(latchkey, token));
    latchkey.pass(12_000);
  }
  expect(waits).toEqual([50, 38, 26, 14, 2, null]);
});

test('the time to wait after too many wrong keys is computed for each request', async () => {
  const flooded = await startFrozen();
  const wrong = (): string => mintToken('lks', 'LIVE').token;
  for (let i = 0; i < 300; i++) expect((await answerAt('/graphql', wrong(), {}, flooded)).status).toBe(401);
  const waits: (number | null)[] = [];
  for (let i = 0; i < 4; i++) {
    waits.push(await waitOf(flooded, wrong()));
    flooded.pass(19_500);
  }
  expect(waits).toEqual([60, 41, 21, 2]);
  expect((await answerAt('/graphql', wrong(), {}, flooded)).status).toBe(401);
  await flooded.close();
});

test('a refusal that wrong keys can cause thousands of times creates no error', async () => {
  const limited = await act(latchkey, 'createWorkspace', { name: 'N', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
  while ((await statusWith(latchkey, limited.token)) === 200);
  const ended = await createKey(latchkey, { name: 'ended' }, OPERATOR_KEY);
  await act(latchkey, 'revokeApiKey', { id: ended.id }, OPERATOR_KEY);
  const errors = jest.spyOn(Error, 'captureStackTrace');
  const created = (): number => errors.mock.calls.filter(([target]) => target instanceof GraphQLError).length;
  for (const token of ['nonsense', mintToken('lks', 'LIVE').token, ended.token, limited.token]) {
    expect((await answerAt('/graphql', token)).status).toBe(token === limited.token ? 429 : 401);
    expect(created()).toBe(0);
  }
  await answerAt('/graphql', 'nonsense', SENDERS[0]);
  expect(created()).toBe(1);
});

test('the log and the metrics contain the refusal', async () => {
  const logged = latchkey.logs.length;
  for (const fields of SENDERS) await answerAt('/graphql', 'nonsense', fields);
  const lines = latchkey.logs.slice(logged).map((text) => JSON.parse(text));
  const [late, early] = lines.filter(({ path }) => path === '/graphql');
  expect(early).toMatchObject({ status: 401, outcome: 'UNAUTHENTICATED', method: 'POST', operation: null, key: null });
  const own = { time: expect.any(Number), requestId: expect.any(String), ms: expect.any(Number) };
  expect(early).toEqual({ ...late, ...own });
});

test('a connection stays open after a refusal whose body was not read', async () => {
  const { token } = await createKey(latchkey, { name: 'kept' }, OPERATOR_KEY);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  const send = (key: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
      const asked = request(`${latchkey.origin}/graphql`, { agent, method: 'POST', headers }, (response) => {
        ports.add(response.socket.localPort);
        response.resume().once('end', () => resolve(response.statusCode));
      });
      asked.once('error', reject);
      asked.end(JSON.stringify({ query: `{ __typename } #${'x'.repeat(100_000)}` }));
    });
  const statuses = [];
  for (const key of ['nonsense', token, 'nonsense', token]) statuses.push(await send(key));
  agent.destroy();
  expect([statuses, ports.size]).toEqual([[401, 200, 401, 200], 1]);
});
