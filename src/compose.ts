import { makeExecutableSchema } from '@graphql-tools/schema';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { assetResolvers } from './assets/resolvers.js';
import { AssetService } from './assets/service.js';
import type { RequestContext } from './http/graphqlRoute.js';
import { drain } from './http/drain.js';
import type { Scrape } from './http/metricsRoute.js';
import { MetricsServer } from './http/metricsServer.js';
import { createServer } from './http/server.js';
import { pepperOfDirectory } from './keys/pepper.js';
import { createLatchkey, type Latchkey, type LatchkeyOptions } from './latchkey.js';
import { Limiter } from './limits/limiter.js';
import type { TierTable } from './limits/tiers.js';
import { Metrics } from './metrics/metrics.js';
import type { OpenRedis } from './redis/open.js';
import { failingClosed } from './schema/resolvers.js';
import { serviceTypeDefs } from './schema/typeDefs.js';
import type { Settings } from './settings/settings.js';
import { observedStore } from './store/observed.js';
import { openStore } from './store/open.js';
import type { Store } from './store/store.js';
import { tracedLimits } from './tracing/limits.js';
import { openTracing } from './tracing/open.js';

/** How long what runs may take to finish at the close, in ms. The process gives the whole close 10 seconds. */
const DRAIN_TIME = 7_000;

/** The service, put together and not yet listening. */
export interface Service {
  readonly latchkey: Latchkey;
  readonly store: Store;
  readonly assets: AssetService;
  readonly server: FastifyInstance;
  readonly metrics: Metrics;
  /** Listens from the server's start on; null where metrics are served by the server itself. */
  readonly metricsServer: MetricsServer | null;
  /**
   * Drains the server, writes what is pending and closes the store. Idempotent.
   * @throws Error where requests had to be cut off; all else is done by then
   */
  close(): Promise<void>;
}

/** What several processes on one store have in common. */
export type Shared = Required<Pick<LatchkeyOptions, 'limits' | 'changes'>>;

export interface ComposeOptions {
  /** See {@link LatchkeyOptions.now}. */
  readonly now?: () => number;
  /** Default: what `settings.redisUrl` names; without it limits of this process alone, and changes told to nobody. */
  readonly shared?: Shared;
  /** Default: that of `shared`, else the published one. */
  readonly tiers?: TierTable;
  /** What /metrics answers: of this process alone by default, of all where there are several. */
  readonly scrape?: (own: Metrics) => Promise<string>;
  /** In ms. Default: 7,000. */
  readonly drainTime?: number;
}

/**
 * The service of `npm start`: Latchkey's own server with keys, workspaces and the built-in domain.
 */
export async function composeService(
  settings: Settings,
  logger: FastifyBaseLogger,
  { now, tiers, shared, scrape, drainTime = DRAIN_TIME }: ComposeOptions = {},
): Promise<Service> {
  const tracing = settings.tracing ? await openTracing(logger) : null;
  const metrics = new Metrics();
  const { observer } = metrics;
  const store = observedStore(await openStore(settings), observer);
  let redis: OpenRedis | null = null;
  try {
    if (shared === undefined && settings.redisUrl !== null) {
      // Loaded only here: most installations need no Redis.
      const { openRedis } = await import('./redis/open.js');
      redis = await openRedis(settings.redisUrl, logger, {
        ...(tiers !== undefined && { tiers }),
        onRoundTrip: (ms, ok) => observer.redisAnswered(ms, ok),
        onAlone: (alone) => observer.limitsShared(!alone),
      });
    }
    if (shared !== undefined) observer.limitsShared(true);
    const common = shared ?? redis;
    const latchkey = await createLatchkey({
      store,
      ...(now !== undefined && { now }),
      ...(tiers !== undefined && { tiers }),
      ...(common !== null && { limits: common.limits, changes: common.changes }),
      ...(tracing !== null && { limits: tracedLimits(common?.limits ?? ownLimits(now, tiers), tracing) }),
      observer,
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
    metrics.watchBcrypt(() => latchkey.bcrypt.counts);
    metrics.watchUsage(() => latchkey.usage.dropped);
    const metricsText: Scrape = () => scrape?.(metrics) ?? metrics.text();
    const metricsServer = settings.metrics === null ? null : new MetricsServer(metricsText, settings.metrics);
    const server = await createServer({
      latchkey,
      schema,
      store,
      settings,
      logger,
      sharing: redis?.state ?? null,
      observer,
      scrape: metricsServer === null ? metricsText : null,
      tracing,
    });
    server.addHook('onReady', async () => metricsServer?.listen());
    const end = async (): Promise<void> => {
      const finished = await drain(server, drainTime);
      await latchkey.close();
      redis?.close();
      await store.close();
      await tracing?.close();
      await metricsServer?.close();
      if (!finished) throw new Error(`Requests that still ran after ${drainTime / 1000} s were cut off.`);
    };
    let ended: Promise<void> | null = null;
    return { latchkey, store, assets, server, metrics, metricsServer, close: () => (ended ??= end()) };
  } catch (error) {
    await redis?.limits.close();
    redis?.close();
    await store.close();
    throw error;
  }
}

function ownLimits(now: ComposeOptions['now'], tiers: ComposeOptions['tiers']): Limiter {
  return new Limiter({ ...(now !== undefined && { clock: now }), ...(tiers !== undefined && { tiers }) });
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
