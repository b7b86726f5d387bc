import Bottleneck from 'bottleneck';
import { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterUnion } from 'rate-limiter-flexible';
import { Limiter } from '../../build/core/limits/limiter.js';
import { connectionTo } from '../../build/server/redis/redisConnection.js';
import { SharedLimits } from '../../build/server/redis/sharedLimits.js';
import { timed, timedAsync } from '../lib/clock.js';
import { UNBOUND_TIERS } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';

/** Families whose requests are sent in turn. */
const FAMILIES = Array.from({ length: 1_000 }, (_, i) => `fam_${String(i).padStart(16, '0')}`);

/** Concurrent attempts if each is a round trip. */
const AT_ONCE = 50;

const familyOf = (i) => FAMILIES[i % FAMILIES.length];

/** The families as subjects. Ten of them have one owner. */
const OWNED = FAMILIES.map((family, i) => ({
  family,
  tier: 'GROWTH',
  shared: [{ of: 'owner', name: `owner/usr_${String(Math.floor(i / 10)).padStart(16, '0')}`, rate: 1e9, burst: 1e9 }],
}));

/** Each returns µs per admission, by `options.kind`. */
const KINDS = {
  async latchkey() {
    const limiter = new Limiter({ tiers: UNBOUND_TIERS });
    const subjects = FAMILIES.map((family) => ({ family, tier: 'GROWTH' }));
    return { admit: (times) => timed(times, (i) => limiter.admit(subjects[i % subjects.length], 1)) };
  },

  /** Each request also counts in the windows of its owner, who has ten keys. */
  async latchkeyOwner() {
    const limiter = new Limiter({ tiers: UNBOUND_TIERS });
    return { admit: (times) => timed(times, (i) => limiter.admit(OWNED[i % OWNED.length], 1)) };
  },

  async flexible() {
    const limiter = new RateLimiterMemory({ points: 1e9, duration: 60 });
    return { admit: (times) => timedAsync(times, (i) => limiter.consume(familyOf(i))) };
  },

  async flexibleUnion() {
    const limiter = new RateLimiterUnion(
      new RateLimiterMemory({ keyPrefix: 'rate', points: 1e9, duration: 60 }),
      new RateLimiterMemory({ keyPrefix: 'burst', points: 1e9, duration: 1 }),
    );
    return { admit: (times) => timedAsync(times, (i) => limiter.consume(familyOf(i))) };
  },

  async bottleneck() {
    const limiter = new Bottleneck({ reservoir: 1e9 });
    const nothing = async () => {};
    return { admit: (times) => atOnce(times, times, () => limiter.schedule(nothing)), close: () => limiter.stop() };
  },

  async latchkeyRedis({ redis }) {
    return inRedis(redis, (i) => ({ family: familyOf(i), tier: 'GROWTH' }));
  },

  async latchkeyOwnerRedis({ redis }) {
    return inRedis(redis, (i) => OWNED[i % OWNED.length]);
  },

  async flexibleRedis({ redis }) {
    const client = new Redis(redis);
    const limiter = new RateLimiterRedis({ storeClient: client, points: 1e9, duration: 60 });
    return {
      admit: (times) => atOnce(times, AT_ONCE, (i) => limiter.consume(familyOf(i))),
      close: () => client.quit(),
    };
  },

  async flexibleUnionRedis({ redis }) {
    const client = new Redis(redis);
    const limiter = new RateLimiterUnion(
      new RateLimiterRedis({ storeClient: client, keyPrefix: 'rate', points: 1e9, duration: 60 }),
      new RateLimiterRedis({ storeClient: client, keyPrefix: 'burst', points: 1e9, duration: 1 }),
    );
    return {
      admit: (times) => atOnce(times, AT_ONCE, (i) => limiter.consume(familyOf(i))),
      close: () => client.quit(),
    };
  },
};

await serve(async (options) => {
  const { admit, close } = await KINDS[options.kind](options);
  return { calls: { admit }, close: async () => void (await close?.()) };
});

async function inRedis(redis, subjectOf) {
  const client = connectionTo(redis);
  await client.connect();
  const limits = new SharedLimits({ redis: client, tiers: UNBOUND_TIERS });
  await limits.join();
  return {
    admit: (times) => atOnce(times, AT_ONCE, (i) => limits.admit(subjectOf(i), 1)),
    async close() {
      await limits.close();
      client.disconnect();
    },
  };
}

/** Calls in batches. The calls of a batch run concurrently. */
function atOnce(times, batch, work) {
  return timedAsync(times / batch, (part) =>
    Promise.all(Array.from({ length: batch }, (_, i) => work(part * batch + i))),
  ).then((microseconds) => microseconds / batch);
}
