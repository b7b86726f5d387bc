import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { atEnd } from './atEnd.js';
import { PEPPER } from './latchkey.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PATIENCE = 30_000;

/**
 * Starts the service like `npm start`, on a free port.
 *
 * @param {{ dataDir: string, mongodbUri?: string | null }} address
 * @param {readonly string[]} [flags]
 * @param {Record<string, string>} [settings] as in the environment
 * @returns {Promise<{ url: string, startedAt: number, pid: number, stop: () => Promise<void> }>} startedAt: of performance.now()
 */
export async function startService({ dataDir, mongodbUri = null }, flags = [], settings = {}) {
  const environment = { ...process.env };
  delete environment.MONGODB_URI;
  const startedAt = performance.now();
  const service = spawn(process.execPath, [MAIN, ...flags], {
    env: {
      ...environment,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'silent',
      KEY_PEPPER: PEPPER,
      DEFAULT_TIER: 'ENTERPRISE',
      DATA_DIR: dataDir,
      ...(mongodbUri !== null && { MONGODB_URI: mongodbUri }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(service, 'exit');
  const stop = async () => {
    if (service.exitCode !== null || service.signalCode !== null) return;
    service.kill('SIGTERM');
    const timer = setTimeout(() => service.kill('SIGKILL'), PATIENCE);
    await ended;
    clearTimeout(timer);
  };
  atEnd(stop);
  const url = await Promise.race([
    addressIn(service.stdout),
    ended.then(([code]) => Promise.reject(new Error(`The service ended with ${code}.`))),
  ]);
  return { url: `${url}/graphql`, startedAt, pid: service.pid, stop };
}

/** Returns the address that the service prints once it listens. */
async function addressIn(stdout) {
  let text = '';
  for await (const chunk of stdout.setEncoding('utf8')) {
    text += chunk;
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
    if (address === undefined) continue;
    return address;
  }
  throw new Error('The service did not print its address.');
}
