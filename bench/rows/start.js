import { performance } from 'node:perf_hooks';
import { ask } from '../lib/ask.js';
import { digits } from '../lib/report.js';
import { alternate } from '../lib/rounds.js';
import { startService } from '../lib/service.js';
import { filledStore } from '../lib/stores.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Start';

export const about = `The time from the start of the process (node dist/main.js) to the first response to a query. With an empty store, it includes creating
the store and its first key, for which bcrypt runs once. The query on the filled store uses one of its keys.`;

export const packages = ['fastify', '@apollo/server', 'graphql', 'libsql'];

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const size = quick ? 100_000 : 1_000_000;
  const { address, tokens } = await filledStore({ keys: size, entries: size });
  const filled = `${digits(size)} keys`;
  const samples = await alternate(rounds, {
    'empty store': () => untilAnswered({ dataDir: temporaryDirectory() }, '{ tiers { tier } }'),
    [filled]: () => untilAnswered(address, '{ viewer { scopes } }', { authorization: `Bearer ${tokens[0]}` }),
  });
  yield { what: 'Time to the first response', unit: 'ms', ours: filled, samples };
}

async function untilAnswered(address, query, headers = {}) {
  const { url, startedAt, stop } = await startService(address);
  const { errors } = await ask(url, query, headers);
  const took = performance.now() - startedAt;
  await stop();
  if (errors !== undefined) throw new Error(`The service responded ${JSON.stringify(errors)}.`);
  return took;
}
