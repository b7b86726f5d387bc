import { parseExposition, type Exposition } from '../metrics/exposition.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { until } from '../../support/until.js';
import { place, removeAll, startCluster, type Cluster } from './installation.js';

const WHO = '{ viewer { scopes } }';

let cluster: Cluster;
beforeAll(async () => {
  cluster = startCluster(['--workers', '2'], { ...place(), ADMIN_API_KEY: OPERATOR_KEY });
  await cluster.url();
});
afterAll(removeAll);

/** Uses a new connection, which goes to the next worker. null: no response in five seconds */
async function scrape(): Promise<Response | null> {
  const headers = { 'x-api-key': OPERATOR_KEY, connection: 'close' };
  const url = new URL('/metrics', await cluster.url());
  return fetch(url, { headers, signal: AbortSignal.timeout(5_000) }).catch(() => null);
}

test('metrics include all workers, whichever worker responds', async () => {
  const asked = await cluster.askEach(await cluster.workers(), WHO, OPERATOR_KEY);
  const total = [...asked.values()].flat().length;
  expect(asked.size).toBe(2);
  for (let i = 0; i < 4; i++) {
    const { value }: Exposition = parseExposition((await (await scrape())?.text()) ?? '');
    expect(value('latchkey_admissions_total', { tier: 'ENTERPRISE' })).toBe(total);
    expect(value('latchkey_http_request_duration_seconds_count', { route: '/graphql' })).toBe(total);
    expect(value('latchkey_limits_shared')).toBe(1);
  }
});

test('returns no metrics while one worker does not respond, and complete ones after that', async () => {
  const [stopped = 0] = await cluster.workers();
  process.kill(stopped, 'SIGSTOP');
  try {
    const answers = await Promise.all([1, 2, 3, 4].map(() => scrape()));
    const told = answers.filter((answer) => answer !== null);
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set([503]));
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  await until(async () => (await scrape())?.status === 200);
});
