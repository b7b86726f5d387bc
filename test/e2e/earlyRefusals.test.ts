import { act, statusWith } from './operations.js';
import { startFrozen, type FrozenService } from './frozen.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';

let latchkey: FrozenService;
beforeAll(async () => void (latchkey = await startFrozen({ env: { ADMIN_API_KEY: OPERATOR_KEY } })));
afterAll(() => latchkey.close());

/** Returns what a response contains, without what differs for each request. */
async function answerAt(path: string, token: string) {
  const response = await fetch(`${latchkey.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, origin: 'https://app.example' },
    body: '{"query":"{ __typename }"}',
  });
  const headers = Object.fromEntries(response.headers);
  expect(headers['x-request-id']).toMatch(/^[\w-]{20,}$/);
  const { 'x-request-id': _id, date: _date, ...rest } = headers;
  return { status: response.status, headers: rest, body: await response.text() };
}

/** /graphql sends refusals itself. Other routes leave them to Fastify. */
async function assertSame(token: string, status: number): Promise<void> {
  for (let i = 0; i < 2; i += 1) {
    const early = await answerAt('/graphql', token);
    expect(early.status).toBe(status);
    expect(early).toEqual(await answerAt('/graphql/stream', token));
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
  const { status, headers } = await answerAt('/graphql', token);
  expect(status).toBe(429);
  expect(headers).toMatchObject({
    ratelimit: expect.stringContaining('r=0'),
    'ratelimit-policy': expect.stringContaining('w=60'),
    'retry-after': expect.stringMatching(/^\d+$/),
    'cache-control': 'private, no-store',
  });
});

test('the log and the metrics contain the refusal', async () => {
  await answerAt('/graphql', 'nonsense');
  const line = latchkey.logs.map((text) => JSON.parse(text)).findLast(({ path }) => path === '/graphql');
  expect(line).toMatchObject({ status: 401, outcome: 'UNAUTHENTICATED' });
});
