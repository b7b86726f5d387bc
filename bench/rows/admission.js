import { Child } from '../lib/child.js';
import { startRedis } from '../lib/redis.js';
import { alternate } from '../lib/rounds.js';

export const title = 'Rate limiting';

export const about = `Counts and admits one request for each of 1,000 keys in turn, in a separate process. Latchkey uses two exact sliding windows, of a
minute and of a second, and with an owner two more that ten keys share. rate-limiter-flexible uses one fixed window, or a union of two. Bottleneck has no keys: it schedules an
empty job with a reservoir, up to 1,000 at a time. With Redis, 50 admissions run concurrently over one connection.`;

export const packages = ['rate-limiter-flexible', 'bottleneck', 'ioredis'];

/** @param {import('../run.js').Run} run */
export async function* measure({ rounds, quick }) {
  const memory = {
    Latchkey: { kind: 'latchkey', times: 200_000 },
    'Latchkey, key and owner': { kind: 'latchkeyOwner', times: 200_000 },
    'rate-limiter-flexible, one window': { kind: 'flexible', times: 200_000 },
    'rate-limiter-flexible, two windows': { kind: 'flexibleUnion', times: 100_000 },
    Bottleneck: { kind: 'bottleneck', times: 1_000 },
  };
  const inMemory = await samplesOf(memory, rounds, quick);
  yield {
    what: 'In memory',
    unit: 'µs per admission',
    ours: 'Latchkey',
    samples: inMemory,
    goals: [{ atMost: 1 }, { against: 'rate-limiter-flexible, one window', atMost: 1 }],
  };
  yield {
    what: 'In memory, with the windows of an owner',
    unit: 'µs per admission',
    ours: 'Latchkey, key and owner',
    samples: inMemory,
    goals: [{ atMost: 1.5 }],
  };

  const redis = await startRedis();
  if (redis === null) return;
  const inRedis = {
    Latchkey: { kind: 'latchkeyRedis', redis, times: 10_000 },
    'Latchkey, key and owner': { kind: 'latchkeyOwnerRedis', redis, times: 10_000 },
    'rate-limiter-flexible, one window': { kind: 'flexibleRedis', redis, times: 10_000 },
    'rate-limiter-flexible, two windows': { kind: 'flexibleUnionRedis', redis, times: 10_000 },
  };
  const shared = await samplesOf(inRedis, rounds, quick);
  yield {
    what: 'In Redis',
    unit: 'µs per admission',
    ours: 'Latchkey',
    samples: shared,
    goals: [{ against: 'rate-limiter-flexible, one window', atMost: 1.3 }],
  };
  yield {
    what: 'In Redis, with the windows of an owner',
    unit: 'µs per admission',
    ours: 'Latchkey, key and owner',
    samples: shared,
    goals: [{ against: 'rate-limiter-flexible, two windows', atMost: 1.3 }],
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
