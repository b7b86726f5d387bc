import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { connectionTo } from '../../../src/server/redis/redisConnection.js';
import { openRedis } from '../../../src/server/redis/openRedis.js';
import { freePort } from '../../support/freePort.js';
import { startRedis } from '../../support/redis.js';
import { until } from '../../support/until.js';

const log = { warn: () => undefined, info: () => undefined };

async function faultOf(url: string): Promise<string> {
  try {
    await openRedis(url, log);
  } catch (error) {
    expect(inspect(error, { depth: Infinity })).not.toContain('hunter2');
    return (error as Error).message;
  }
  throw new Error('It opened.');
}

const REMEDY = 'Start Redis there, or correct REDIS_URL. Without REDIS_URL, each process counts limits separately.';

describe('a start without Redis fails with one line that names the address, the reason and the remedy', () => {
  it('nothing is listening', async () => {
    const port = await freePort();
    expect(await faultOf(`redis://user:hunter2@127.0.0.1:${port}`)).toBe(
      `REDIS_URL names 127.0.0.1:${port}, which refuses connections (ECONNREFUSED). ${REMEDY}`,
    );
  });

  it('the server never responds', async () => {
    // It reads, so that a connection ends with its client.
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    expect(await faultOf(`redis://user:hunter2@127.0.0.1:${port}`)).toMatch(
      new RegExp(`^REDIS_URL names 127\\.0\\.0\\.1:${port}, which does not answer\\. ${REMEDY}$`),
    );
    silent.close();
  });

  it('the password is wrong or missing', async () => {
    const server = await startRedis('--requirepass', 'hunter3');
    const wrong = await faultOf(`redis://:hunter2@127.0.0.1:${server.port}`);
    expect(wrong).toMatch(
      /^REDIS_URL names \S+, which does not accept the user name and password \(WRONGPASS\)\. Correct both in REDIS_URL/,
    );
    expect(await faultOf(server.url)).toMatch(
      /^REDIS_URL names \S+, which does not accept the user name and password \(NOAUTH\)\. Correct both/,
    );
    const right = await openRedis(`redis://:hunter3@127.0.0.1:${server.port}/3`, log);
    expect(right.state.isOpen).toBe(true);
    await right.limits.close();
    right.close();
    await server.stop();
  });
});

test('logs an outage and a recovery once each, without an address', async () => {
  const server = await startRedis();
  const logged: string[] = [];
  const shared: boolean[] = [];
  const redis = await openRedis(
    server.url,
    { warn: (text) => logged.push(text), info: (text) => logged.push(text) },
    { onShared: (value) => shared.push(value) },
  );
  expect([shared, logged]).toEqual([[true], []]);
  await server.kill();
  await until(() => !redis.state.isOpen);
  expect(redis.state.reason).toBe('Redis does not answer.');
  await server.start();
  await until(() => redis.state.isOpen);
  expect(redis.state.reason).toBeNull();
  expect(shared).toEqual([true, false, false, true]);
  expect(logged).toEqual([
    'Redis does not answer. Requests are refused with 503 until it does.',
    'Limits are being restored in Redis, which lost its data or whose clock was set. Requests are refused with 503 until every process has restored the requests that it admitted.',
    'Redis is available again: limits are counted.',
  ]);
  await redis.limits.close();
  redis.close();
  await server.stop();
});

test('parses a URL, whose query sets no option', () => {
  const { options } = connectionTo('rediss://us%40er:p%2Fw@[::1]:7000/4');
  expect(options).toMatchObject({ host: '::1', port: 7000, username: 'us@er', password: 'p/w', db: 4, tls: {} });
  expect(connectionTo('redis://cache').options).toMatchObject({ host: 'cache', port: 6379, db: 0, username: null });
});
