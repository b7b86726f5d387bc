import { setTimeout as delay } from 'node:timers/promises';
import { startProcesses, type Processes } from '../support/processes.js';

/** AUTH_CACHE_TTL's default, in ms. */
const CACHE_TTL = 1_000;

let processes: Processes;
beforeAll(async () => {
  processes = await startProcesses(3, {});
});
afterAll(() => processes.stop());

test('without Redis, what one process does to a key acts in all others within AUTH_CACHE_TTL', async () => {
  const key = await processes.createKey('admin');
  const statuses = () =>
    Promise.all(processes.all.map(async ({ query }) => (await query('{ apiKeys { totalCount } }', key.token)).status));
  expect(await statuses()).toEqual([200, 200, 200]);

  await processes.change(`updateApiKey(input: { id: "${key.id}", scopes: ["read:assets"] })`);
  await delay(CACHE_TTL);
  expect(await statuses()).toEqual([403, 403, 403]);

  await processes.change(`revokeApiKey(input: { id: "${key.id}" })`);
  await delay(CACHE_TTL);
  expect(await statuses()).toEqual([401, 401, 401]);
});
