import { makeExecutableSchema } from '@graphql-tools/schema';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { assetResolvers } from './assets/resolvers.js';
import { AssetService } from './assets/service.js';
import type { RequestContext } from './http/graphqlRoute.js';
import { createServer } from './http/server.js';
import { pepperOfDirectory } from './keys/pepper.js';
import { createLatchkey, type Latchkey, type LatchkeyOptions } from './latchkey.js';
import { openRedis, type OpenRedis } from './redis/open.js';
import { failingClosed } from './schema/resolvers.js';
import { serviceTypeDefs } from './schema/typeDefs.js';
import type { Settings } from './settings/settings.js';
import { openStore } from './store/open.js';
import type { Store } from './store/store.js';

/** The service, put together and not yet listening. */
export interface Service {
  readonly latchkey: Latchkey;
  readonly store: Store;
  readonly assets: AssetService;
  readonly server: FastifyInstance;
  /** Drains the server, writes what is pending and closes the store. Idempotent. */
  close(): Promise<void>;
}

/** What several processes on one store have in common. */
export type Shared = Required<Pick<LatchkeyOptions, 'limits' | 'changes'>>;

export interface ComposeOptions {
  /** See {@link LatchkeyOptions.now}. */
  readonly now?: () => number;
  /** Default: what `settings.redisUrl` names; without it limits of this process alone, and changes told to nobody. */
  readonly shared?: Shared;
}

/**
 * The service of `npm start`: Latchkey's own server with keys, workspaces and the built-in domain.
 */
export async function composeService(
  settings: Settings,
  logger: FastifyBaseLogger,
  { now, shared }: ComposeOptions = {},
): Promise<Service> {
  const store = await openStore(settings);
  let redis: OpenRedis | null = null;
  try {
    if (shared === undefined && settings.redisUrl !== null) redis = await openRedis(settings.redisUrl, logger);
    const latchkey = await createLatchkey({
      store,
      ...(now !== undefined && { now }),
      ...(shared ?? (redis && { limits: redis.limits, changes: redis.changes })),
      peppers: peppersOf(settings, logger),
      adminApiKey: settings.operator,
      prefixes: settings.prefixes,
      bcryptCost: settings.bcryptCost,
      defaultTier: settings.defaultTier,
      cacheTtl: settings.cacheTtl,
      introspection: settings.introspection,
      log: (err, context) => {
        logger.error({ err, requestId: (context as Partial<RequestContext>).requestId }, 'request failed');
      },
    });
    const assets = new AssetService(store.assets, now ?? Date.now);
    const schema = latchkey.guard(
      makeExecutableSchema({
        typeDefs: serviceTypeDefs(),
        resolvers: [latchkey.resolvers, failingClosed({ ...assetResolvers(assets) })],
      }),
    );
    const server = await createServer({ latchkey, schema, store, settings, logger, sharing: redis?.state ?? null });
    return {
      latchkey,
      store,
      assets,
      server,
      async close() {
        await server.close();
        await latchkey.close();
        redis?.close();
        await store.close();
      },
    };
  } catch (error) {
    await redis?.limits.close();
    redis?.close();
    await store.close();
    throw error;
  }
}

function peppersOf({ peppers, mongodbUri, dataDir }: Settings, logger: FastifyBaseLogger): readonly string[] {
  if (peppers.length > 0) return peppers;
  // A pepper beside the one process would be another on the next machine.
  if (mongodbUri === null) return [pepperOfDirectory(dataDir)];
  logger.warn(
    "KEY_PEPPER is not set: no digests are stored, and each process runs bcrypt at a key's first use. Set it, the same for all.",
  );
  return [];
}
