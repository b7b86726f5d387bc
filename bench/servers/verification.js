import { openBetterAuth } from '../lib/betterAuth.js';
import { timedAsync, timedEach } from '../lib/clock.js';
import { openLatchkey, sourceOf } from '../lib/latchkey.js';
import { serve } from '../lib/serve.js';
import { percentile } from '../lib/stats.js';
import { memoryInUse } from '../lib/memory.js';

/** Verification of keys without any server, by `options.kind`. */
const KINDS = {
  async latchkey({ address, tokens }) {
    const sources = tokens.map(sourceOf);
    const open = async (options) => {
      const { latchkey, store } = await openLatchkey(address, options);
      const verify = (source) => latchkey.authenticate(source);
      return {
        verify,
        async close() {
          await latchkey.close();
          await store.close();
        },
      };
    };
    const { verify, close } = await open();
    const principal = await verify(sources[0]);
    if (principal.kind !== 'key') throw new Error('The key was not accepted.');
    return {
      calls: {
        /** Verifies one key repeatedly. @returns µs */
        again: (times) => timedAsync(times, () => verify(sources[0])),

        /** Verifies every key once with an empty cache: a new Latchkey on the same store. @returns ms */
        async cold(count) {
          const fresh = await open();
          // The store's statements and the engine must be warm, but not the keys.
          await timedEach(Math.min(500, sources.length - count), (i) => fresh.verify(sources[count + i]));
          const took = await timedEach(count, (i) => fresh.verify(sources[i]));
          await fresh.close();
          return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
        },

        /** Measures the memory of a cached key. @returns bytes */
        async remembered(count) {
          const fresh = await open({ cacheTtl: 60_000 });
          await fresh.verify(sources[0]);
          const before = memoryInUse();
          for (let i = 1; i <= count; i += 1) await fresh.verify(sources[i]);
          const bytes = (memoryInUse() - before) / count;
          await fresh.close();
          return bytes;
        },
      },
      close,
    };
  },

  async betterAuth({ mongodbUri }) {
    const auth = await openBetterAuth(mongodbUri ?? null);
    const key = await auth.createKey();
    if ((await auth.verify(key)) === null) throw new Error('The key was not accepted.');
    return {
      calls: { again: (times) => timedAsync(times, () => auth.verify(key)) },
      close: auth.close,
    };
  },
};

await serve((options) => KINDS[options.kind](options));
