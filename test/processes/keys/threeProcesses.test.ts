import { setTimeout as delay } from 'node:timers/promises';
import { startProcesses, type Processes } from '../../support/processes.js';

/** The default of AUTH_CACHE_TTL, in milliseconds. */
const CACHE_TTL = 1_000;

let processes: Processes;
beforeAll(async () => {
  processes = await startProcesses(3, {});
});
afterAll(() => processes.stop());

test('applies a change by one process in all others within AUTH_CACHE_TTL, without Redis', async () => {
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
