import { pino } from 'pino';
import { assemble, type Assembly } from '../../src/assembly/assembly.js';
import { conformance } from '../../src/conformance.js';
import { UNOBSERVED } from '../../src/core/observer/observer.js';
import type { Store } from '../../src/core/store/store.js';
import { OpenStreams } from '../../src/core/streams/openStreams.js';
import { createServer } from '../../src/server/http/server.js';
import { readSettings } from '../../src/server/settings/settings.js';

const logger = pino({ level: 'silent' });

/** The service reads its store for /readyz. */
interface WithStore extends Assembly {
  readonly store: Store;
}

const cases = conformance<WithStore>({
  createLatchkey: async (options) => ({ ...(await assemble(options)), store: options.store }),
  async start({ schema, latchkey }) {
    const server = await createServer({
      latchkey,
      schema,
      logger,
      store: latchkey.store,
      settings: readSettings({}),
      streams: new OpenStreams({ tiers: latchkey.limiter.tiers, max: 100 }),
      observer: UNOBSERVED,
      scrape: null,
      tracing: null,
    });
    const origin = await server.listen({ port: 0, host: '127.0.0.1' });
    return {
      url: `${origin}/graphql`,
      streams: { protocol: 'graphql-sse', url: `${origin}/graphql/stream` },
      close: () => server.close(),
    };
  },
  // Fastify's JSON parser.
  exceptions: ['NO_PROTO_KEYS'],
});

test.each(cases.map((each) => [each.name, each] as const))('%s', (_, { run }) => run());
