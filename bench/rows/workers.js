import { ask } from '../lib/ask.js';
import { closedLoop } from '../lib/closedLoop.js';
import { alternate } from '../lib/rounds.js';
import { startService } from '../lib/service.js';
import { filledStore } from '../lib/stores.js';

export const title = 'Workers';

export const about = `The service as it is started, with one worker and with two. 500 keys ask in turn, so that the limits of
the highest tier hold and do not bind. Where the machine has two cores the load takes one of them: two workers can then not
be twice as fast.`;

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
    if (errors !== undefined) throw new Error(`The service answered ${JSON.stringify(errors)}.`);
    const load = (time) =>
      closedLoop({ url: service.url, headers: keys, body: JSON.stringify({ query: QUERY }), seconds: time });
    await load(2);
    subjects[workers === 1 ? '1 worker' : `${workers} workers`] = async () => (await load(seconds)).rate;
  }
  yield { what: 'Answers', unit: 'answers a second', ours: '2 workers', samples: await alternate(rounds, subjects) };
  for (const { stop } of services) await stop();
}
