import { place, removeAll, startCluster } from '../cluster/installation.js';
import { historyIn, startRedis, type TestRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

let redis: TestRedis;
beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis.stop());
afterEach(removeAll);

test('workers count in Redis instead of their primary, each like a separate process', async () => {
  const cluster = startCluster(['--workers', '2'], { ...place(), REDIS_URL: redis.url });
  const admin = await cluster.admin();
  const client = redis.client();
  await until(async () => (await client.zcard('latchkey:{members}')) === 2);
  const asked = await cluster.askEach(await cluster.workers(), '{ viewer { scopes } }', admin);
  expect(asked.size).toBe(2);
  const [window = ''] = await client.keys('latchkey:window:*');
  const counted = (await historyIn(client, window)).map(({ count }) => count);
  expect(counted.reduce((sum, n) => sum + n, 0)).toBe([...asked.values()].flat().length);
  expect(await client.pubsub('NUMSUB', 'latchkey:changes')).toEqual(['latchkey:changes', 2]);
});
