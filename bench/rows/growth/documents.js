import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../lib/ask.js';
import { memoryOf, processorTimeOf } from '../../lib/processOf.js';
import { digits } from '../../lib/report.js';
import { alternate } from '../../lib/rounds.js';
import { startService } from '../../lib/service.js';
import { filledStore } from '../../lib/stores.js';
import { latency } from './service.js';

/** Requests that run at the same time. */
const AT_ONCE = 10;

/**
 * Sends distinct documents, which are more than the server remembers, and the same number of equal ones to another process.
 *
 * @param {import('../../run.js').Run} run
 * @param {number} count
 */
export async function* distinctDocuments({ rounds, seconds }, count) {
  const { address, tokens } = await filledStore({ keys: 1_000 });
  const kinds = {
    'one document': () => '{ viewer { scopes } }',
    [`${digits(count)} distinct documents`]: (i) => `{ viewer { a${i}: scopes } }`,
  };
  const [running, memory, time] = [{}, {}, {}];
  for (const [name, document] of Object.entries(kinds)) {
    const service = await startService(address);
    await sendAll(service.url, tokens, Math.min(1_000, count), () => '{ viewer { scopes } }');
    const before = processorTimeOf(service.pid);
    await sendAll(service.url, tokens, count, document);
    time[name] = [((processorTimeOf(service.pid) - before) * 1_000) / count];
    await pause(500);
    memory[name] = [memoryOf(service.pid)];
    running[name] = service;
  }
  const ours = Object.keys(kinds).at(-1);
  yield { what: 'CPU time of a request with a new document', unit: 'µs', ours, samples: time };
  yield {
    what: `Resident memory after ${digits(count)} requests`,
    unit: 'MB',
    ours,
    samples: memory,
    goals: [{ against: 'one document', atMost: 1.5 }],
  };
  const load = ([name, { url }]) => [name, () => latency(url, tokens, seconds)];
  const samples = await alternate(rounds, Object.fromEntries(Object.entries(running).map(load)));
  const goals = [{ against: 'one document', atMost: 1.5 }];
  yield { what: `Latency after ${digits(count)} requests (p99)`, unit: 'ms', ours, samples, goals };
  for (const { stop } of Object.values(running)) await stop();
}

async function sendAll(url, tokens, count, documentOf) {
  let next = 0;
  const send = async () => {
    while (next < count) {
      const i = next;
      next += 1;
      const { errors } = await ask(url, documentOf(i), { authorization: `Bearer ${tokens[i % tokens.length]}` });
      if (errors !== undefined) throw new Error(`The service responded ${JSON.stringify(errors)}.`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
}
