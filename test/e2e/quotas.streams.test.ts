import { tierTable } from '../../src/core/limits/tierTable.js';
import type { Quota } from '../../src/core/quotas/quota.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { openStream } from '../support/streams.js';
import { until } from '../support/until.js';

const quotas: readonly Quota[] = [
  { window: 'month', unit: 'cost', subject: 'key', limit: 1_000 },
  { window: 'month', unit: 'requests', subject: 'key', limit: 1_000 },
];

let service: TestService;
beforeAll(async () => {
  const tiers = tierTable({ GROWTH: { rate: 1_000, burst: 1_000, quotas } });
  service = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY }, tiers });
});
afterAll(() => service.close());

const register = (name: string) =>
  service.query(`mutation { registerAsset(input: { name: "${name}" }) { name } }`, { token: OPERATOR_KEY });

async function usedBy(id: string): Promise<Record<string, number>> {
  const { body } = await service.query('query ($id: ID!) { apiKey(id: $id) { limits { quotas { unit used } } } }', {
    token: OPERATOR_KEY,
    variables: { id },
  });
  const found = body.data.apiKey.limits.quotas as { unit: string; used: number }[];
  return Object.fromEntries(found.map(({ unit, used }) => [unit, used]));
}

test('each event of a subscription is taken from quotas, in cost units by what it returned', async () => {
  const { id, token } = await createKey(service, { scopes: ['read:assets'] }, OPERATOR_KEY);
  const stream = await openStream(service.origin, 'subscription { assetChanged { name downstream { name } } }', {
    token,
  });
  expect(await usedBy(id)).toEqual({ COST: 1, REQUESTS: 1 });
  await register('one');
  await stream.first(1);
  // The subscription, the asset and two calls, for an asset without others downstream.
  await until(async () => (await usedBy(id)).REQUESTS === 2);
  const afterOne = await usedBy(id);
  expect(afterOne.COST).toBeGreaterThan(2);
  expect(afterOne.COST).toBeLessThan(10);
  await register('two');
  await stream.first(2);
  await until(async () => (await usedBy(id)).REQUESTS === 3);
  expect((await usedBy(id)).COST).toBe(2 * (afterOne.COST ?? 0) - 1);
  stream.close();
});
