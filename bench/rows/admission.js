import { Child } from '../lib/child.js';
import { startRedis } from '../lib/redis.js';
import { alternate } from '../lib/rounds.js';

export const title = 'Admission alone';

export const about = `One request is counted and admitted, for 1,000 keys in turn, in a process of its own. Latchkey keeps two
exact sliding windows, a minute and a second. rate-limiter-flexible counts in one fixed window, or in two as a union.
Bottleneck schedules an empty job through a reservoir, up to 1,000 at once; it has no keys. In Redis 50 admissions are under way at
once, over one connection.`;

export const packages = ['rate-limiter-flexible', 'bottleneck', 'ioredis'];

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const memory = {
    Latchkey: { kind: 'latchkey', times: 200_000 },
    'rate-limiter-flexible, one window': { kind: 'flexible', times: 200_000 },
    'rate-limiter-flexible, two windows': { kind: 'flexibleUnion', times: 100_000 },
    Bottleneck: { kind: 'bottleneck', times: 1_000 },
  };
  yield {
    what: 'In memory',
    unit: 'µs an admission',
    ours: 'Latchkey',
    samples: await samplesOf(memory, rounds, quick),
    goals: [{ atMost: 1 }, { against: 'rate-limiter-flexible, one window', atMost: 1 }],
  };

  const redis = await startRedis();
  if (redis === null) return;
  const inRedis = {
    Latchkey: { kind: 'latchkeyRedis', redis, times: 10_000 },
    'rate-limiter-flexible, one window': { kind: 'flexibleRedis', redis, times: 10_000 },
    'rate-limiter-flexible, two windows': { kind: 'flexibleUnionRedis', redis, times: 10_000 },
  };
  yield {
    what: 'In Redis',
    unit: 'µs an admission',
    ours: 'Latchkey',
    samples: await samplesOf(inRedis, rounds, quick),
  };
}

async function samplesOf(kinds, rounds, quick) {
  const subjects = {};
  for (const [name, { times, ...options }] of Object.entries(kinds)) {
    const child = await Child.start('admission', { name, ...options });
    subjects[name] = () => child.call('admit', quick ? times / 4 : times);
  }
  for (const subject of Object.values(subjects)) await subject();
  return alternate(rounds, subjects);
}
