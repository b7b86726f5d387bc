import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { atEnd } from './atEnd.js';
import { freePort } from './freePort.js';

const SERVER = '/usr/bin/redis-server';
const PATIENCE = 5_000;

/**
 * A Redis server for this run, which writes nothing to disk and ends with the run. @returns {Promise<string | null>} its address; null if
 * Redis is not installed
 */
export async function startRedis() {
  if (!existsSync(SERVER)) return null;
  const port = await freePort();
  const options = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn(SERVER, options.map(String), { stdio: 'ignore' });
  atEnd(async () => {
    if (server.exitCode !== null) return;
    server.kill();
    await once(server, 'exit');
  });
  const deadline = Date.now() + PATIENCE;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error('redis-server does not answer.');
    await delay(20);
  }
  return `redis://127.0.0.1:${port}`;
}

async function accepts(port) {
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
