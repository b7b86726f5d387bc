import { startProcesses, type Processes } from '../../support/processes.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { openStream } from '../../support/streams.js';

let redis: TestRedis;
let processes: Processes;
beforeAll(async () => {
  redis = await startRedis();
  // Records are cached for a minute: streams that end sooner do so because of a published message.
  processes = await startProcesses(2, { REDIS_URL: redis.url, AUTH_CACHE_TTL: '60000', DEFAULT_TIER: 'ENTERPRISE' });
});
afterAll(async () => {
  await processes.stop();
  await redis.stop();
});

const open = (process: number, query: string, token: string) =>
  openStream(processes.all[process]?.origin ?? '', query, { token });

test('streams of one process receive events of the other process', async () => {
  const { token } = await processes.createKey('read:all');
  const assets = await open(1, 'subscription { assetChanged { name } }', token);
  const alerts = await open(1, 'subscription { alertOpened { asset kind } }', token);
  const keys = await open(1, 'subscription { keyEvents { type } }', OPERATOR_KEY);
  await processes.change('registerAsset(input: { name: "a", allowedAge: "PT1H" })', 0);
  await processes.change('recordLoad(input: { asset: "a", at: "2020-01-01T00:00:00Z" })', 0);
  await processes.createKey('read:all');
  expect(await assets.first(2)).toEqual(Array(2).fill({ data: { assetChanged: { name: 'a' } } }));
  expect(await alerts.first(1)).toEqual([{ data: { alertOpened: { asset: 'a', kind: 'STALE' } } }]);
  expect(await keys.first(1)).toEqual([{ data: { keyEvents: { type: 'CREATED' } } }]);
  for (const stream of [assets, alerts, keys]) stream.close();
});

test('a key has the streams of its tier in total, over all processes', async () => {
  const create = 'mutation { createWorkspace(input: { name: "w", tier: STARTER }) { token } }';
  const created = await processes.all[0]?.query(create);
  const { token } = (created?.body.data.createWorkspace ?? {}) as { token: string };
  const streams = [0, 1].map((process) => open(process, 'subscription { assetChanged { name } }', token));
  expect((await Promise.all(streams)).map(({ status }) => status)).toEqual([200, 200]);
  const { status, body } = await open(1, 'subscription { assetChanged { name } }', token);
  expect([status, body.errors[0].extensions]).toEqual([429, { code: 'TOO_MANY_STREAMS', limit: 2 }]);
  for (const stream of await Promise.all(streams)) stream.close();
});

test('a key that is revoked in one process loses its stream in the other process', async () => {
  const { token, id } = await processes.createKey('read:all');
  const stream = await open(1, 'subscription { assetChanged { name } }', token);
  expect(stream.status).toBe(200);
  await processes.change(`revokeApiKey(input: { id: "${id}" })`, 0);
  expect((await stream.last()).errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });
});

test('validates the format of messages that anyone can publish', async () => {
  const { token } = await processes.createKey('read:all');
  const stream = await open(1, 'subscription { assetChanged { name } }', token);
  const client = redis.client();
  for (const text of [
    'x',
    'x {',
    'x null',
    'x {"kind":"asset"}',
    'x {"kind":"asset","projectId":"default","name":7}',
    `x {"kind":"asset","projectId":"default","name":"${'a'.repeat(70_000)}"}`,
    'x {"kind":"key","workspaceId":"default","type":"NO SUCH"}',
  ]) {
    await client.publish('latchkey:events', text);
  }
  await processes.change('registerAsset(input: { name: "real" })', 0);
  expect(await stream.first(1)).toEqual([{ data: { assetChanged: { name: 'real' } } }]);
  expect(stream.results).toHaveLength(1);
  stream.close();
});
