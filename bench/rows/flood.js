import { Child } from '../lib/child.js';
import { openLoop } from '../lib/openLoop.js';
import { alternate } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { percentile } from '../lib/stats.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Flood: wrong keys beside good requests';

export const about = `200 good requests a second of 100 keys ask for the small query at a fixed rate; then 2,000 well-formed wrong
keys a second do so beside them, half of them unknown and half of a real key with a wrong secret, each from another address so
that no count of an address stops them early. Times count from when a request was due. Server, good requests and flood are
three processes.`;

export const packages = ['fastify', '@apollo/server'];

const GOOD = 200;
const WRONG = 2_000;

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const seconds = quick ? 3 : 10;
  const body = JSON.stringify({ query: QUERIES.small.query });
  const server = await Child.start('flooded', { dataDir: temporaryDirectory() });
  const { url, tokens } = server.ready;
  const attacker = await Child.start('flood', { url, body, tokens });
  const before = await server.call('bcrypt');
  const good = async (time) => {
    const headersOf = (i) => ({ authorization: `Bearer ${tokens[i % tokens.length]}` });
    const { times, statuses } = await openLoop({ url, body, rate: GOOD, seconds: time, headersOf });
    if (statuses[200] !== times.length) throw new Error(`Good requests were answered ${JSON.stringify(statuses)}.`);
    return percentile(times, 0.99);
  };
  /** @type {Record<string, number>} */
  const answers = {};
  const flooded = async () => {
    const [p99, statuses] = await Promise.all([good(seconds), attacker.call('flood', WRONG, seconds)]);
    for (const [status, count] of Object.entries(statuses)) answers[status] = (answers[status] ?? 0) + count;
    return p99;
  };
  await good(2);
  await attacker.call('flood', WRONG, 2);
  const samples = await alternate(rounds, { flooded, 'without a flood': () => good(seconds) });
  const told = Object.entries(answers).map(([status, count]) => `${status}: ${count}`);
  yield {
    what: 'Good requests, slowest 1 % (p99)',
    unit: 'ms',
    ours: 'flooded',
    samples,
    goals: [{ against: 'without a flood', atMost: 2 }],
    note: `Answers to the wrong keys: ${told.join(', ')}.`,
  };
  const { hashes, comparisons } = await server.call('bcrypt');
  yield {
    what: 'bcrypt runs during all of it',
    unit: 'runs',
    ours: 'bcrypt',
    samples: { bcrypt: [hashes + comparisons - before.hashes - before.comparisons] },
    goals: [{ atMost: 0 }],
  };
}
