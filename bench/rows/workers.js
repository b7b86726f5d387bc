import { ask } from '../lib/ask.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate } from '../lib/rounds.js';
import { startService } from '../lib/service.js';
import { filledStore } from '../lib/stores.js';

export const title = 'Workers';

export const about = `The service as started on the command line, with one worker and with two. Requests use 500 keys in turn, so that the limits of the
highest tier apply but refuse nothing. On a machine with two cores, the load generator needs one of them, so two workers can't be
twice as fast.`;

export const packages = ['fastify', '@apollo/server'];

const KEYS = 500;
const QUERY = '{ viewer { scopes } }';

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, seconds }) {
  const { address, tokens } = await filledStore(1_000);
  const services = [];
  const subjects = {};
  const keys = tokens.slice(0, KEYS).map((token) => ({ authorization: `Bearer ${token}` }));
  for (const workers of [1, 2]) {
    const service = await startService(address, ['--workers', String(workers)]);
    services.push(service);
    const { errors } = await ask(service.url, QUERY, keys[0]);
    if (errors !== undefined) throw new Error(`The service responded ${JSON.stringify(errors)}.`);
    const load = (time) =>
      closedLoop({ url: service.url, headers: keys, body: JSON.stringify({ query: QUERY }), seconds: time });
    await load(2);
    subjects[workers === 1 ? '1 worker' : `${workers} workers`] = async () => (await load(seconds)).rate;
  }
  yield {
    what: 'Throughput',
    unit: 'responses per second',
    ours: '2 workers',
    samples: await alternate(rounds, subjects),
  };
  for (const { stop } of services) await stop();
}
