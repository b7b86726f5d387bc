import { createRequire } from 'node:module';
import type * as PerfHooks from 'node:perf_hooks';
import { jest } from '@jest/globals';
import { aggregated, Metrics } from '../../../src/server/metrics/metrics.js';
import { parseExposition, type Exposition } from './exposition.js';

const read = async (metrics: Metrics): Promise<Exposition> => parseExposition(await metrics.text());

function watched(): Metrics {
  const metrics = new Metrics();
  metrics.watchBcrypt(() => ({ hashes: 2, comparisons: 3, shed: 1, waiting: 4 }));
  metrics.watchUsage({ dropped: 5, pendingBytes: 700 });
  metrics.watchStreams(() => 6);
  metrics.watchConnections({ size: 4, refused: 2, unread: { closed: 1 } });
  return metrics;
}

test('every metric has a help text and a type, and all our metrics exist from the start', async () => {
  const { helps, types } = await read(watched());
  expect([...types.keys()].filter((name) => name.startsWith('latchkey_')).sort()).toEqual([
    'latchkey_admissions_total',
    'latchkey_bcrypt_runs_total',
    'latchkey_bcrypt_shed_total',
    'latchkey_bcrypt_waiting',
    'latchkey_connections_open',
    'latchkey_connections_refused_total',
    'latchkey_connections_stalled_total',
    'latchkey_http_request_duration_seconds',
    'latchkey_http_requests_total',
    'latchkey_key_lookups_total',
    'latchkey_limits_shared',
    'latchkey_redis_failures_total',
    'latchkey_redis_request_duration_seconds',
    'latchkey_refusals_total',
    'latchkey_store_operation_duration_seconds',
    'latchkey_store_operations_total',
    'latchkey_streams_open',
    'latchkey_usage_dropped_total',
    'latchkey_usage_pending_bytes',
    'latchkey_verifications_total',
  ]);
  expect([...helps.keys()].sort()).toEqual([...types.keys()].sort());
  for (const [name, help] of helps) if (name.startsWith('latchkey_')) expect(help).toMatch(/^[A-Z0-9].{20,}\.$/);
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']) {
    expect(types.get(name)).toBe('gauge');
  }
});

test('counts each observation in its own series', async () => {
  const metrics = watched();
  const { observer } = metrics;
  observer.verified('accepted');
  observer.verified('accepted');
  observer.verified('limited');
  observer.lookedUp('negative');
  observer.admitted('STARTER');
  observer.refused('STARTER', 'RATE_LIMITED');
  observer.refused(null, 'UNAUTHENTICATED');
  observer.storeAnswered('keys.find', 30, 'ok');
  observer.storeAnswered('keys.find', 3_000, 'unavailable');
  observer.redisAnswered(2, true);
  observer.redisAnswered(700, false);
  observer.limitsShared(true);
  observer.requestAnswered('/graphql', 200, 7);
  observer.requestAnswered('/graphql', 429, 1);

  const { value } = await read(metrics);
  expect(value('latchkey_usage_dropped_total')).toBe(5);
  expect(value('latchkey_usage_pending_bytes')).toBe(700);
  expect(value('latchkey_verifications_total', { outcome: 'accepted' })).toBe(2);
  expect(value('latchkey_verifications_total', { outcome: 'limited' })).toBe(1);
  expect(value('latchkey_verifications_total', { outcome: 'unknown' })).toBe(0);
  expect(value('latchkey_key_lookups_total', { outcome: 'negative' })).toBe(1);
  expect(value('latchkey_admissions_total', { tier: 'STARTER' })).toBe(1);
  expect(value('latchkey_refusals_total', { tier: 'STARTER', code: 'RATE_LIMITED' })).toBe(1);
  expect(value('latchkey_refusals_total', { tier: 'none', code: 'UNAUTHENTICATED' })).toBe(1);
  const operation = 'keys.find';
  expect(value('latchkey_store_operations_total', { operation, outcome: 'ok' })).toBe(1);
  expect(value('latchkey_store_operations_total', { operation, outcome: 'unavailable' })).toBe(1);
  expect(value('latchkey_store_operation_duration_seconds_count', { operation })).toBe(2);
  expect(value('latchkey_store_operation_duration_seconds_sum', { operation })).toBeCloseTo(3.03);
  expect(value('latchkey_store_operation_duration_seconds_bucket', { operation, le: '0.025' })).toBe(0);
  expect(value('latchkey_store_operation_duration_seconds_bucket', { operation, le: '0.05' })).toBe(1);
  expect(value('latchkey_redis_request_duration_seconds_count')).toBe(2);
  expect(value('latchkey_redis_failures_total')).toBe(1);
  expect(value('latchkey_limits_shared')).toBe(1);
  expect(value('latchkey_http_requests_total', { route: '/graphql', status: '429' })).toBe(1);
  expect(value('latchkey_http_request_duration_seconds_count', { route: '/graphql' })).toBe(2);
  expect(value('latchkey_bcrypt_runs_total', { purpose: 'hash' })).toBe(2);
  expect(value('latchkey_bcrypt_runs_total', { purpose: 'compare' })).toBe(3);
  expect(value('latchkey_bcrypt_shed_total')).toBe(1);
  expect(value('latchkey_bcrypt_waiting')).toBe(4);
  expect(value('latchkey_streams_open')).toBe(6);
});

test('reading twice does not count twice', async () => {
  const metrics = watched();
  metrics.observer.verified('accepted');
  await metrics.text();
  const { value } = await read(metrics);
  expect(value('latchkey_verifications_total', { outcome: 'accepted' })).toBe(1);
  expect(value('latchkey_bcrypt_runs_total', { purpose: 'hash' })).toBe(2);
});

test('two instances in one process do not share their counts', async () => {
  const [one, other] = [watched(), watched()];
  one.observer.verified('accepted');
  expect((await read(other)).value('latchkey_verifications_total', { outcome: 'accepted' })).toBe(0);
});

test('adds up the snapshots of several processes, and shows a process that counts by itself', async () => {
  const processes = [watched(), watched(), watched()];
  processes.forEach(({ observer }, i) => {
    observer.limitsShared(i !== 1);
    for (let n = 0; n <= i; n++) observer.verified('accepted');
    observer.storeAnswered('keys.find', 30, 'ok');
    observer.requestAnswered('/graphql', 200 + i, 1);
  });
  // In the form in which processes send it.
  const snapshots = await Promise.all(processes.map(async (metrics) => structuredClone(await metrics.snapshot())));
  const { value } = parseExposition(await aggregated(snapshots));
  expect(value('latchkey_verifications_total', { outcome: 'accepted' })).toBe(6);
  expect(value('latchkey_bcrypt_runs_total', { purpose: 'compare' })).toBe(9);
  expect(value('latchkey_store_operation_duration_seconds_count', { operation: 'keys.find' })).toBe(3);
  expect(value('latchkey_store_operation_duration_seconds_bucket', { operation: 'keys.find', le: '+Inf' })).toBe(3);
  expect(value('latchkey_http_requests_total', { route: '/graphql', status: '202' })).toBe(1);
  expect(value('latchkey_limits_shared')).toBe(0);
  expect(value('latchkey_streams_open')).toBe(18);
});

test('services of a process share the observers of the process, which cannot be stopped', async () => {
  // The object on which prom-client looks up the function.
  const perfHooks = createRequire(import.meta.url)('node:perf_hooks') as typeof PerfHooks;
  const monitor = jest.spyOn(perfHooks, 'monitorEventLoopDelay');
  const [first, second] = [new Metrics(), new Metrics()];
  expect(monitor.mock.calls.length).toBeLessThan(2);
  monitor.mockRestore();
  const names = async (metrics: Metrics) => [...(await read(metrics)).types.keys()].sort();
  expect(await names(second)).toEqual(await names(first));
});
