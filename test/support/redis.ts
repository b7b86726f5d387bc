import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from './until.js';
import { freePort } from './freePort.js';

/** A separate redis-server on a free port of loopback. By default, it stores nothing on disk. */
export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** A connection for tests. Opened again after a restart. */
  client(): Redis;
  /** Stops responding without closing connections, like a network that drops everything. */
  pause(): void;
  resume(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with its stored data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(...options: readonly string[]): Promise<TestRedis> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-redis-'));
  const clients = new Set<Redis>();
  let server: ChildProcess;

  const client = (): Redis => {
    const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null });
    redis.on('error', () => undefined);
    clients.add(redis);
    return redis;
  };
  const kill = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  const start = async (): Promise<void> => {
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
    server = spawn('redis-server', [...settings, ...options], { stdio: 'ignore' });
    await once(server, 'spawn');
    await until(() => isOpen(port));
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client,
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    kill,
    start,
    async stop() {
      for (const redis of clients) {
        if (redis.status === 'end') continue;
        redis.disconnect();
        await once(redis, 'end');
      }
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Returns the entries in a family's list, with their times in ms: see `src/server/redis/windowScript.ts`. */
export async function historyIn(redis: Redis, key: string): Promise<{ at: number; count: number }[]> {
  const entries = await redis.lrangeBuffer(key, 0, -1);
  return entries.map((entry) => ({ at: entry.readDoubleLE(0) / 1_000, count: entry.readUInt32LE(8) }));
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
