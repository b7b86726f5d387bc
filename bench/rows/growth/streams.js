import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryOf, processorTimeOf } from '../../lib/processOf.js';
import { startService } from '../../lib/service.js';
import { filledStore } from '../../lib/stores.js';
import { latency } from './service.js';

const BODY = JSON.stringify({ query: 'subscription { keyEvents { type } }' });
/** The documents of 10,000 streams with different keys count as slightly more than the default of 64 MiB. */
const SETTINGS = { MAX_STREAM_BYTES: String(128 * 2 ** 20) };
/** Streams that are opened at the same time. */
const AT_ONCE = 100;
/** The time between the last stream and the measurement of CPU time, in ms. After it, V8 has optimised the heartbeats and collected the garbage. */
const SETTLE = 60_000;
/** The time between two heartbeats of a stream, in s: each is counted in each round. */
const HEARTBEATS = 15;

/**
 * Measures services with many open streams, which have no events.
 *
 * @param {import('../../run.js').Run} run
 * @param {number} streams
 */
export async function* openStreams({ rounds, seconds, quick }, streams) {
  const kinds = {
    'no streams': { keys: 1, each: 0 },
    // Half as many, because this process has all connections, and may open 20,000 files on many systems.
    [`${streams / 200} keys with 100 streams each`]: { keys: streams / 200, each: 100 },
    [`${streams} keys with a stream each`]: { keys: streams, each: 1 },
  };
  const services = {};
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const memory = {};
  for (const [name, { keys, each }] of Object.entries(kinds)) {
    const { address, tokens } = await filledStore({ keys: Math.max(100, keys), scopes: ['admin', 'read:all'] });
    const service = await startService(address, [], SETTINGS);
    const before = memoryOf(service.pid);
    await open(
      agent,
      service.url,
      tokens.slice(0, keys).flatMap((token) => Array(each).fill(token)),
    );
    if (each > 0) memory[name] = [((memoryOf(service.pid) - before) * 1024) / (keys * each)];
    services[name] = { ...service, tokens: tokens.slice(0, 100) };
  }
  const names = Object.keys(services);
  const ours = names.at(-1);
  yield { what: 'Resident memory per open stream', unit: 'kB', samples: memory, ours };
  await pause(SETTLE);
  const idle = await idleTime(services, Math.min(rounds, quick ? 1 : 3), Math.max(seconds, HEARTBEATS));
  yield {
    what: 'CPU time with open streams that are idle',
    unit: '% of a core',
    ours,
    samples: idle,
    goals: names.slice(1).map((of) => ({ of, atMost: 1 })),
    note: 'All threads of the process. Heartbeats, which keep connections through proxies open, are sent every 15 s.',
  };
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) samples[name].push(await latency(services[name].url, services[name].tokens, seconds));
  }
  yield {
    what: 'Latency of requests beside open streams (p99)',
    unit: 'ms',
    ours,
    samples,
    goals: [{ against: 'no streams', atMost: 1.5 }],
  };
  agent.destroy();
  for (const { stop } of Object.values(services)) await stop();
}

/** Measures all services at the same time. @returns % of a core in each round, by service */
async function idleTime(services, rounds, seconds) {
  const names = Object.keys(services);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const before = names.map((name) => processorTimeOf(services[name].pid));
    await pause(seconds * 1_000);
    for (const [i, name] of names.entries())
      samples[name].push((processorTimeOf(services[name].pid) - before[i]) / (seconds * 10));
  }
  return samples;
}

async function open(agent, url, tokens) {
  for (let from = 0; from < tokens.length; from += AT_ONCE)
    await Promise.all(tokens.slice(from, from + AT_ONCE).map((token) => openOne(agent, url, token)));
}

/** Opens a stream and reads its events, until the agent is destroyed. */
function openOne(agent, url, token) {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(BODY),
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/stream`, { agent, method: 'POST', headers }, (response) => {
      response.once('error', () => undefined);
      if (response.statusCode === 200) resolve(response.resume());
      else response.setEncoding('utf8').once('data', (text) => reject(new Error(`A stream was refused: ${text}`)));
    });
    asked.once('error', reject);
    asked.end(BODY);
  });
}
