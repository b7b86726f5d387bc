import { connect } from '../mcp/client.js';
import { until } from '../../support/until.js';
import { FROZEN, place, removeAll, startCluster } from './installation.js';

afterEach(removeAll);

test('each MCP request reaches some worker, and all of them count for the same key', async () => {
  const cluster = startCluster(['--workers', '2'], { ...place(), DEFAULT_TIER: 'GROWTH' }, FROZEN);
  const { origin } = new URL(await cluster.url());
  const token = await cluster.admin();
  const client = await connect({ origin }, token);
  try {
    // Concurrently, and so over many connections, which the primary distributes to the workers.
    const calls = await Promise.allSettled(
      Array.from({ length: 30 }, () => client.call('run_query', { document: '{ viewer { scopes } }' })),
    );
    // The handshake took one of 25.
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(24);
    for (const call of calls) if (call.status === 'rejected') expect(String(call.reason)).toContain('RATE_LIMITED');
    const servers = () => new Set(cluster.log().flatMap(({ path, pid }) => (path === '/mcp' ? [Number(pid)] : [])));
    expect(await until(() => servers().size === 2)).toBe(true);
  } finally {
    await client.close();
  }
});
