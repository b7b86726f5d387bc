import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { composeService } from '../../../src/server/compose.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import { readSettings } from '../../../src/server/settings/settings.js';
import { parseExposition } from '../metrics/exposition.js';
import { MAIN, runFile } from '../../support/child.js';
import { freePort } from '../../support/freePort.js';
import { startRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

const ANSWERED = 'latchkey_redis_request_duration_seconds_count';
const FAILED = 'latchkey_redis_failures_total';

let dir: string;
let env: Record<string, string>;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-'));
  env = { PORT: '0', DATA_DIR: dir, REDIS_URL: `redis://:hunter2@127.0.0.1:${await freePort()}`, LOG_LEVEL: 'silent' };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('npm start fails with one line, without the password, if REDIS_URL names no Redis', async () => {
  const child = runFile(MAIN, env);
  if (child.process.exitCode === null) await once(child.process, 'exit');
  const { stdout, stderr } = child.output();
  expect(child.process.exitCode).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^The server did not start\. REDIS_URL names 127\.0\.0\.1:\d+, which refuses connections \(ECONNREFUSED\)\.[^\n]*\n$/,
  );
  expect(stderr).not.toContain('hunter2');
});

test('the metrics show whether limits are shared, and each round trip to Redis', async () => {
  const redis = await startRedis();
  const service = await composeService(readSettings({ ...env, REDIS_URL: redis.url }), pino({ level: 'silent' }));
  const value = async (name: string) => parseExposition(await service.metrics.text()).value(name);
  const ask = () => service.latchkey.limiter.admit({ family: 'a family', tier: 'GROWTH' });
  // On a busy machine, even a running Redis may respond too late.
  await until(async () => {
    const [answered, failed] = [await value(ANSWERED), await value(FAILED)];
    await ask();
    return (await value(ANSWERED)) > answered && (await value(FAILED)) === failed;
  });
  expect(await value('latchkey_limits_shared')).toBe(1);
  const failed = await value(FAILED);
  redis.pause();
  await expect(ask()).rejects.toMatchObject({ details: { code: 'UNAVAILABLE' } });
  await until(async () => (await value('latchkey_limits_shared')) === 0);
  expect(await value(FAILED)).toBeGreaterThan(failed);
  await service.close();
  await redis.stop();
});

test('uses the shared parts that are passed, instead of Redis', async () => {
  const limits = new Limiter();
  const changes = { publish: () => undefined, subscribe: () => undefined };
  const service = await composeService(readSettings(env), pino({ level: 'silent' }), { shared: { limits, changes } });
  expect(service.latchkey.limiter).toBe(limits);
  const { body } = await service.server.inject({ url: '/readyz' });
  expect(JSON.parse(body)).toEqual({ status: 'ready' });
  await service.close();
});
