import { Child } from '../lib/child.js';
import { openLoop } from '../lib/openLoop.js';
import { canPin, pin, unpin } from '../lib/pin.js';
import { alternate } from '../lib/rounds.js';
import { QUERIES } from '../lib/shop.js';
import { percentile } from '../lib/stats.js';
import { temporaryDirectory } from '../lib/temporary.js';

export const title = 'Flood of invalid keys';

export const about = `Good requests with 100 keys send the small query at a fixed rate of 200 a second. Then 2,000 invalid, but well-formed keys a second
are sent at the same time: half of them unknown, half with a wrong secret for a real key, each from a different address, so that no
limit for an address stops them early. Latency is measured from the time at which a request was due. The server, the good requests and
the flood are three processes.`;

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
    if (statuses[200] !== times.length) throw new Error(`Responses to good requests: ${JSON.stringify(statuses)}.`);
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
  const compare = () => alternate(rounds, { 'during the flood': flooded, 'without a flood': () => good(seconds) });
  yield {
    what: 'Latency of good requests (p99)',
    unit: 'ms',
    ours: 'during the flood',
    samples: await compare(),
    goals: [{ against: 'without a flood', atMost: 2 }],
    note: `Responses to invalid keys: ${told(answers)}.`,
  };
  if (canPin) {
    pin(0, server.pid);
    for (const pid of [attacker.pid, process.pid]) pin(1, pid);
    yield {
      what: 'Latency of good requests (p99), with the server on one core and both clients on another core',
      unit: 'ms',
      ours: 'during the flood',
      samples: await compare(),
      goals: [{ against: 'without a flood', atMost: 2 }],
      note: 'So that the flood takes time from the server only by its requests, not by the work to send them.',
    };
    unpin(process.pid);
  }
  const { hashes, comparisons } = await server.call('bcrypt');
  yield {
    what: 'bcrypt runs in total',
    unit: 'runs',
    ours: 'bcrypt',
    samples: { bcrypt: [hashes + comparisons - before.hashes - before.comparisons] },
    goals: [{ atMost: 0 }],
  };
}

function told(answers) {
  return Object.entries(answers)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
}
