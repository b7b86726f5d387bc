import { openStream } from '../../support/streams.js';
import { until } from '../../support/until.js';
import { place, removeAll, startCluster, type Cluster } from './installation.js';

const OPERATOR = 'operator-for-tests-'.repeat(2);

let cluster: Cluster;
let origin: string;
beforeAll(async () => {
  // A minute: changes that apply within the test do so because a worker was notified.
  cluster = startCluster(['--workers', '2'], { AUTH_CACHE_TTL: '60000', ADMIN_API_KEY: OPERATOR, ...place() });
  origin = (await cluster.url()).replace('/graphql', '');
});
afterAll(removeAll);

async function createKey(): Promise<{ token: string; id: string }> {
  const create = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { token apiKey { id } } }';
  const { token, apiKey } = (await cluster.ask(create, OPERATOR)).body.data.createApiKey;
  return { token, id: apiKey.id };
}

/** Connections go to the workers in turn: of six streams, each worker has some. */
const openSix = (token: string) =>
  Promise.all(Array.from({ length: 6 }, () => openStream(origin, 'subscription { assetChanged { name } }', { token })));

/** The key may open three streams in a second, and 30 in a minute. */
const PACE = { every: 1_000 };

const openOne = (token: string) => openStream(origin, 'subscription { assetChanged { name } }', { token });

test('a key has the streams of its tier in total over all workers, and those of a killed worker are free again', async () => {
  const create = 'mutation { createWorkspace(input: { name: "w", tier: STARTER }) { token } }';
  const { token } = (await cluster.ask(create, OPERATOR)).body.data.createWorkspace;
  const outcomes = async () => {
    const streams = await Promise.all(Array.from({ length: 3 }, () => openOne(token)));
    return {
      open: streams.filter(({ status }) => status === 200),
      refused: streams.flatMap(({ body }) => (body === null ? [] : [body.errors[0].extensions])),
    };
  };
  const { open, refused } = await outcomes();
  expect(open).toHaveLength(2);
  expect(refused).toEqual([{ code: 'TOO_MANY_STREAMS', limit: 2 }]);

  open[0]?.close();
  const opened = await until(async () => {
    const stream = await openOne(token);
    return stream.status === 200 && stream;
  }, PACE);
  expect((await openOne(token)).status).toBe(429);

  const pids = await cluster.workers(2);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await Promise.all([open[1], opened].map((stream) => until(() => stream?.over())));
  await cluster.workers(4);
  await until(async () => {
    const stream = await openOne(token).catch(() => null);
    return stream?.status === 200;
  }, PACE);
});

test('streams of all workers receive the events of one worker, and all streams of a key that it revokes end', async () => {
  const { token, id } = await createKey();
  const streams = await openSix(token);
  expect(streams.map(({ status }) => status)).toEqual(Array(6).fill(200));
  const register = 'mutation { registerAsset(input: { name: "a" }) { name } }';
  expect((await cluster.ask(register, OPERATOR)).body.errors).toBeUndefined();
  for (const stream of streams) expect(await stream.first(1)).toEqual([{ data: { assetChanged: { name: 'a' } } }]);
  await cluster.ask(`mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { id } } }`, OPERATOR);
  for (const stream of streams) {
    expect((await stream.last()).errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });
  }
});
