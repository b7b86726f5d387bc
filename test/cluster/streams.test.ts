import { openStream } from '../support/streams.js';
import { place, removeAll, startCluster, type Cluster } from './installation.js';

const OPERATOR = 'operator-for-tests-'.repeat(2);

let cluster: Cluster;
let origin: string;
beforeAll(async () => {
  // A minute: whatever acts within the test does so because a worker was told.
  cluster = startCluster(['--workers', '2'], { AUTH_CACHE_TTL: '60000', ADMIN_API_KEY: OPERATOR, ...place() });
  origin = (await cluster.url()).replace('/graphql', '');
}, 180_000);
afterAll(removeAll, 60_000);

async function createKey(): Promise<{ token: string; id: string }> {
  const create = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { token apiKey { id } } }';
  const { token, apiKey } = (await cluster.ask(create, OPERATOR)).body.data.createApiKey;
  return { token, id: apiKey.id };
}

/** Connections go to the workers in turn: of six streams each has some. */
const openSix = (token: string) =>
  Promise.all(Array.from({ length: 6 }, () => openStream(origin, 'subscription { assetChanged { name } }', { token })));

test('what one worker does is told by the streams of all, and a key that it revokes loses all', async () => {
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
}, 120_000);
