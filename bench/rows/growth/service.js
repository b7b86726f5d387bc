import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../lib/ask.js';
import { openLoop } from '../../lib/openLoop.js';
import { memoryOf } from '../../lib/processOf.js';
import { alternate } from '../../lib/rounds.js';
import { startService } from '../../lib/service.js';
import { percentile } from '../../lib/stats.js';
import { filledStore } from '../../lib/stores.js';

const QUERY = '{ viewer { scopes } }';
/** Requests a second. */
const RATE = 200;
/** Starts of each service. Each takes about a second. */
const STARTS = 5;

/**
 * Starts the service on stores of several sizes, and compares the time of the start, latency and memory.
 *
 * @param {import('../../run.js').Run} run
 * @param {Record<string, import('../../lib/stores.js').Size>} sizes by name; the last is the largest
 */
export async function* serviceBySize({ rounds, seconds }, sizes) {
  const names = Object.keys(sizes);
  const stores = {};
  for (const name of names) stores[name] = await filledStore(sizes[name]);
  const running = {};
  const startAgain = async (name) => {
    await running[name]?.stop();
    running[name] = await startService(stores[name].address);
    await check(running[name].url, stores[name].tokens[0]);
    return performance.now() - running[name].startedAt;
  };
  const each = (work) => Object.fromEntries(names.map((name) => [name, () => work(name)]));
  const common = { ours: names.at(-1), goals: [{ against: names[0], atMost: 1.5 }] };
  const starts = await alternate(Math.min(rounds, STARTS), each(startAgain));
  yield { ...common, what: `Time from a start to the first response, ${common.ours}`, unit: 'ms', samples: starts };
  const load = each((name) => latency(running[name].url, stores[name].tokens, seconds));
  for (const warmUp of Object.values(load)) await warmUp();
  const samples = await alternate(rounds, load);
  yield { ...common, what: `Latency with many keys (p99), ${common.ours}`, unit: 'ms', samples };
  await pause(1_000);
  const memory = Object.fromEntries(names.map((name) => [name, [memoryOf(running[name].pid)]]));
  yield { ...common, what: `Resident memory of the process, ${common.ours}`, unit: 'MB', samples: memory };
  for (const service of Object.values(running)) await service.stop();
}

async function check(url, token) {
  const { errors } = await ask(url, QUERY, { authorization: `Bearer ${token}` });
  if (errors !== undefined) throw new Error(`The service responded ${JSON.stringify(errors)}.`);
}

/**
 * Sends requests with keys in turn, at a fixed rate.
 *
 * @param {string} url
 * @param {readonly string[]} tokens
 * @param {number} seconds
 * @returns {Promise<number>} p99 in ms
 */
export async function latency(url, tokens, seconds) {
  const body = JSON.stringify({ query: QUERY });
  let next = 0;
  const headersOf = () => {
    next = (next + 1) % tokens.length;
    return { authorization: `Bearer ${tokens[next]}` };
  };
  const { times, statuses } = await openLoop({ url, body, rate: RATE, seconds, headersOf });
  if (statuses[200] !== times.length) throw new Error(`Responses: ${JSON.stringify(statuses)}.`);
  return percentile(times, 0.99);
}
