import { HeadCopies } from '../management/audit/heads/copies.js';
import { HeadsFile } from '../management/audit/heads/headsFile.js';
import { HeadsWebhook } from '../management/audit/heads/webhook.js';
import { checkHeads } from '../management/audit/startCheck.js';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { ASSET_EVENTS } from '../demo/assets/assetEvents.js';
import { createDemo, type Demo } from '../demo/demo.js';
import { DEMO_PARTS } from '../demo/store/demoParts.js';
import type { DemoStore } from '../demo/store/demoStore.js';
import type { RequestContext } from './http/requestContext.js';
import { Connections } from './http/connections.js';
import type { UnreadOptions, UnreadReason } from './http/unreadResponses.js';
import type { Scrape } from './http/metricsRoute.js';
import { MetricsServer } from './http/metricsServer.js';
import type { Gateway } from './gateway/gateway.js';
import type { OpenedGateway, OpenGatewayOptions } from './gateway/openGateway.js';
import { createServer, renewCertificate } from './http/server.js';
import { pepperOfDirectory } from '../core/keys/pepper.js';
import type { Feed } from '../core/util/feed.js';
import { writeFaultOf } from '../shared/files/makeDirectory.js';
import { FileFault, isOfSystem } from '../shared/files/wholeFile.js';
import { assemble, type Assembly } from '../assembly/assembly.js';
import { SchemaWarning } from '../assembly/guarding.js';
import type { LatchkeyOptions } from '../assembly/latchkeyOptions.js';
import { Limiter } from '../core/limits/limiter.js';
import { tiersIn, type TierTable } from '../core/limits/tiers.js';
import { Metrics } from './metrics/metrics.js';
import { readCertificate } from './net/certificate.js';
import { fetchThrough } from '../shared/outgoing/fetchThrough.js';
import type { OpenRedis } from './redis/openRedis.js';
import { failingClosed } from '../management/schema/failingClosed.js';
import { ownSchema } from '../management/schema/ownSchema.js';
import { servedTypeDefs } from './servedTypeDefs.js';
import { keyConfiguration, type FileConfiguration } from './settings/fileConfiguration.js';
import type { GatewaySettings } from './settings/gatewaySettings.js';
import type { Settings } from './settings/settings.js';
import { breakingStore } from '../core/store/breaking.js';
import { unreported } from '../core/store/storeErrors.js';
import { observedStore } from '../core/store/observedStore.js';
import { describeStore, openStore } from '../core/store/open.js';
import { reportingTo } from '../core/store/reporting.js';
import type { Store } from '../core/store/store.js';
import { EventBus } from './streams/bus.js';
import { EventKinds, type StreamEvent } from './streams/streamEvent.js';
import { OpenStreams } from '../core/streams/openStreams.js';
import type { Places } from '../core/streams/streamPlaces.js';
import { streamResolvers } from './streams/streamResolvers.js';
import { tracedLimits } from './tracing/tracedLimits.js';
import { openTracing } from './tracing/openTracing.js';

/** How long running requests may take to finish during the close, in ms. See {@link STOP_TIME} for the whole close. */
const DRAIN_TIME = 5_000;

const NO_HTTPS =
  'HTTPS is required, but neither the server nor a proxy provides it, so callers on other machines are refused. Set TLS_CERT and TLS_KEY, or set TRUST_PROXY to the address of your HTTPS proxy.';

/** The assembled service, which does not listen yet. */
export interface Service {
  readonly latchkey: Assembly;
  readonly store: Store;
  /** The built-in domain; null if it is left out. */
  readonly demo: Demo | null;
  /** The API behind the gateway; null if the server is not a gateway. */
  readonly gateway: Gateway | null;
  readonly server: FastifyInstance;
  readonly connections: Connections;
  readonly metrics: Metrics;
  /** Listens as soon as the server is started. Null if the server itself serves the metrics. */
  readonly metricsServer: MetricsServer | null;
  /**
   * Replaces the configuration, and reads the certificate and the rules of a gateway again from their files. Applies all of them, or none.
   * @throws Error for an invalid configuration, certificate, schema or policy; the previous ones stay in use
   */
  reconfigure(configuration: FileConfiguration): Promise<void>;
  /**
   * Sends callers to other servers while this one still responds: /readyz fails, and responses have
   * `Connection: close`.
   *
   * @param ms the maximum time. It ends early if there are no connections.
   */
  leave(ms: number): Promise<void>;
  /**
   * Drains the server, writes pending data and closes the store. Idempotent.
   * @throws Error if requests were cut off; the rest is complete
   */
  close(): Promise<void>;
}

/** The parts that several processes on one store share. */
export interface Shared extends Required<Pick<LatchkeyOptions, 'limits' | 'changes'>> {
  /** Sends events to the streams of the other processes. Default: not sent. */
  readonly events?: Feed<StreamEvent>;
}

interface ComposeOptions {
  /** See {@link LatchkeyOptions.now}. */
  readonly now?: () => number;
  /**
   * Default: the Redis of `settings.redisUrl`. Without it, limits apply to this process only, and changes are not sent
   * to others.
   */
  readonly shared?: Shared;
  /** Returns the response of /metrics, for several processes. Default: the metrics of this process. */
  readonly scrape?: (own: Metrics) => Promise<string>;
  /** In ms. Default: 5,000. */
  readonly drainTime?: number;
  /** The bounds of responses that clients don't read. Default: see {@link UnreadOptions}. */
  readonly unread?: UnreadOptions;
  /** Where open streams are counted, unless Redis counts them. Default: in this process. */
  readonly places?: Places;
  /** Default: {@link openStore}. */
  readonly open?: typeof openStore;
}

/**
 * Creates the service of `npm start`: Latchkey's own server with keys, workspaces and the built-in domain.
 * @throws Error with a remedy, for example if the certificate or the store can't be used
 */
export async function composeService(
  settings: Settings,
  logger: FastifyBaseLogger,
  { now, shared, scrape, drainTime = DRAIN_TIME, places, unread = {}, open = openStore }: ComposeOptions = {},
): Promise<Service> {
  const withDemo = settings.configuration.demo && settings.gateway === null;
  // Before the first key is created, because its token would be lost if the start failed.
  const certificate = settings.tls && readCertificate(settings.tls);
  const openGateway = settings.gateway && (await openingGateway(settings.gateway));
  const tracing = settings.tracing ? await openTracing(logger) : null;
  // Shared by reference with all counters; a reload replaces its content.
  const tiers = shared?.limits.tiers ?? { ...settings.configuration.tiers };
  const metrics = new Metrics(tiersIn(tiers));
  const { observer } = metrics;
  const { store, breaker } = breakingStore(
    observedStore(
      await open<Partial<DemoStore>>(settings, {
        tell: (message) => logger.warn(message),
        extension: withDemo ? DEMO_PARTS : undefined,
      }),
      observer,
    ),
    reportingTo(logger, settings),
  );
  metrics.watchStore(() => breaker.state);
  const kinds = new EventKinds(withDemo ? ASSET_EVENTS : []);
  let redis: OpenRedis | null = null;
  let copies: HeadCopies | null = null;
  let opened: OpenedGateway | null = null;
  try {
    // Checked before anything is added to a log, because a new entry after missing entries would hide that they are missing.
    await checkHeads(store, (message) => logger.error(message));
    copies = await copiesOf(settings, store, logger);
    if (shared === undefined && settings.redisUrl !== null) {
      // Loaded only here: most installations need no Redis.
      const { openRedis } = await import('./redis/openRedis.js');
      redis = await openRedis(settings.redisUrl, logger, {
        tiers,
        kinds,
        onRoundTrip: (ms, ok) => observer.redisAnswered(ms, ok),
        onShared: (whether) => observer.limitsShared(whether),
      });
    }
    if (shared !== undefined) observer.limitsShared(true);
    const common = shared ?? redis;
    const bus = new EventBus(kinds, common?.events);
    const latchkey = await assemble({
      store,
      onKeyEvent: bus.publish,
      ...(now !== undefined && { now }),
      ...(settings.proxies !== null && { fetch: fetchThrough(settings.proxies) }),
      ...(common !== null && { limits: common.limits, changes: common.changes }),
      ...(tracing !== null && { limits: tracedLimits(common?.limits ?? ownLimits(now, tiers), tracing) }),
      observer,
      peppers: peppersOf(settings, logger),
      adminApiKey: settings.operator,
      ...(settings.publicUrl !== null && { issuer: settings.publicUrl }),
      configuration: keyConfiguration(settings.configuration),
      tiers,
      bcryptCost: settings.bcryptCost,
      defaultTier: settings.configuration.defaultTier,
      cacheTtl: settings.cacheTtl,
      keepEndedKeys: settings.keepEndedKeys,
      onEndedKeysRemoved: ({ removed, error }) => {
        if (removed > 0) logger.info({ removed }, 'removed ended keys');
        const err = unreported(error);
        if (err != null) logger.error({ err }, 'Ended keys could not be removed. The server tries again in an hour.');
      },
      introspection: settings.introspection,
      cost: settings.cost,
      answer: settings.answer,
      log: (err, context) => {
        if (err instanceof SchemaWarning) logger.warn(err.message);
        else logger.error({ err, requestId: (context as Partial<RequestContext>).requestId }, 'request failed');
      },
    });
    for (const warning of settings.warnings) logger.warn(warning);
    warn(settings.configuration, logger);
    if (settings.requireHttps && certificate === null && settings.trustProxy.length === 0) logger.warn(NO_HTTPS);
    const reconfigure = async (configuration: FileConfiguration): Promise<void> => {
      const renewed = settings.tls && readCertificate(settings.tls);
      const useRules = await opened?.reread();
      const putInPlace = await latchkey.prepare(keyConfiguration(configuration));
      // First, because it may throw.
      useRules?.();
      latchkey.setTiers(configuration.tiers, configuration.defaultTier);
      putInPlace();
      // A running operation may need other scopes now.
      if (useRules !== undefined) streams.judge();
      if (renewed !== null) renewCertificate(server, renewed);
      warn(configuration, logger);
      if (settings.gateway === null && configuration.demo !== withDemo)
        logger.warn('demo has changed. It takes effect at the next start.');
    };
    const { assets, events } = store;
    const demo =
      assets === undefined || events === undefined
        ? null
        : createDemo({
            store: { assets, events },
            now: now ?? Date.now,
            project: (actor, id) => latchkey.projects.get(actor, id),
            limits: settings.answer,
            publish: bus.publish,
            listen: bus.listen,
          });
    const schema = latchkey.guard(
      ownSchema(servedTypeDefs(withDemo, tiersIn(tiers)), [
        latchkey.resolvers,
        ...(demo?.resolvers ?? []),
        failingClosed(streamResolvers({ bus, keys: latchkey.keys })),
      ]),
    );
    if (openGateway !== null) {
      latchkey.schemas.setAdministration(schema);
      const counts = metrics.countUpstream();
      opened = await openGateway({ latchkey, log: logger, onAnswer: counts, answer: settings.answer });
      metrics.watchGateway(opened.gateway);
    }
    const gateway = opened?.gateway ?? null;
    const counted = redis?.places ?? places;
    const streams = new OpenStreams({
      tiers: latchkey.limiter.tiers,
      max: settings.maxStreams,
      maxBytes: settings.maxStreamBytes,
      bytesOf: kinds.bytesOf,
      ...(now !== undefined && { now }),
      // Redis takes precedence over the primary, because several machines can share it.
      ...(counted !== undefined && { places: counted }),
    });
    latchkey.onChange((change) => streams.judge(change));
    metrics.watchStreams(() => streams.size);
    metrics.watchBcrypt(() => latchkey.bcrypt.counts);
    metrics.watchUnknownTiers(() => latchkey.unknownTiers().length);
    metrics.watchUsage(latchkey.usage);
    metrics.watchEndedKeys(() => latchkey.endedKeys?.removed ?? 0);
    const metricsText: Scrape = () => scrape?.(metrics) ?? metrics.text();
    const metricsServer = settings.metrics === null ? null : new MetricsServer(metricsText, settings.metrics);
    const connections = new Connections({
      max: settings.maxConnections,
      onRefused: (max) => logger.warn(tooManyConnections(max)),
      unread: { ...unread, onClosed: (reason) => logger.warn(UNREAD[reason]) },
    });
    metrics.watchConnections(connections);
    const server = await createServer({
      latchkey,
      schema,
      gateway,
      store,
      settings,
      certificate,
      streams,
      logger,
      sharing: redis?.state ?? null,
      observer,
      scrape: metricsServer === null ? metricsText : null,
      tracing,
      connections,
    });
    server.addHook('onReady', async () => metricsServer?.listen());
    // Done before the first request, so that its tokens can be signed. Not fatal: the key is published as soon as the store can be written.
    server.addHook('onReady', async () => {
      await Promise.resolve(latchkey.principalTokens.ready()).catch((err: unknown) =>
        logger.warn(
          { err: unreported(err) },
          'The signing key could not be published. The server tries again when it has to sign a token.',
        ),
      );
    });
    const end = async (): Promise<void> => {
      const finished = await connections.drain(() => server.close(), drainTime);
      await latchkey.close();
      await copies?.close();
      redis?.close();
      await store.close();
      await tracing?.close();
      await metricsServer?.close();
      if (!finished) throw new Error(`Requests that still ran after ${drainTime / 1000} s were cut off.`);
    };
    let ended: Promise<void> | null = null;
    const close = () => (ended ??= end());
    const leave = (ms: number) => connections.leave(ms);
    return { latchkey, store, demo, gateway, server, connections, metrics, metricsServer, reconfigure, leave, close };
  } catch (error) {
    await redis?.limits.close();
    redis?.close();
    await copies?.close();
    await opened?.gateway.close();
    await store.close();
    throw error;
  }
}

/**
 * Reads the schema of a gateway, and returns the function that opens it. Loads its code only here, because most servers have no gateway.
 *
 * @throws Error if the schema can't be read
 */
async function openingGateway(
  settings: GatewaySettings,
): Promise<(options: OpenGatewayOptions) => Promise<OpenedGateway>> {
  const { gatewaySchemaOf, openGateway } = await import('./gateway/openGateway.js');
  const schema = await gatewaySchemaOf(settings);
  return (options) => openGateway(settings, schema, options);
}

/** @throws Error if the file can't be used */
async function copiesOf(
  { auditHeads }: Settings,
  { audit }: Store,
  logger: FastifyBaseLogger,
): Promise<HeadCopies | null> {
  if (auditHeads.file === null && auditHeads.webhook === null) return null;
  try {
    return await HeadCopies.open({
      audit,
      file: auditHeads.file === null ? null : new HeadsFile(auditHeads.file),
      webhook: auditHeads.webhook && new HeadsWebhook(auditHeads.webhook),
      complain: (message) => logger.error(message),
      warn: (message) => logger.warn(message),
      now: Date.now,
    });
  } catch (cause) {
    if (auditHeads.file === null || !(cause instanceof FileFault || isOfSystem(cause))) throw cause;
    const fault = writeFaultOf(cause);
    throw new Error(
      `AUDIT_HEADS_FILE is ${JSON.stringify(auditHeads.file.slice(0, 200))}, which ${fault.message}. ${fault.remedy}`,
      { cause },
    );
  }
}

const UNREAD: Readonly<Record<UnreadReason, string>> = {
  stalled:
    'Connections were closed because their clients accepted no byte of a response for 30 s. latchkey_connections_stalled_total counts them. This is logged at most once a minute.',
  crowded:
    'More than 128 MiB of responses were waiting for clients that read too slowly. The slowest connections were closed. Find out which clients request large responses without reading them. latchkey_connections_stalled_total counts them. This is logged at most once a minute.',
};

function tooManyConnections(max: number): string {
  return `${max} connections are open, the maximum of MAX_CONNECTIONS. New ones are closed. Find out which clients opened them, or raise MAX_CONNECTIONS. This is logged at most once a minute.`;
}

function ownLimits(now: ComposeOptions['now'], tiers: TierTable): Limiter {
  return new Limiter({ tiers, ...(now !== undefined && { clock: now }) });
}

function warn({ warnings, apiKeys }: FileConfiguration, logger: FastifyBaseLogger): void {
  for (const warning of warnings) logger.warn(warning);
  if (!apiKeys) logger.warn('auth.api_keys.enabled is false: only ADMIN_API_KEY is accepted.');
}

function peppersOf(settings: Settings, logger: FastifyBaseLogger): readonly string[] {
  if (settings.peppers.length > 0) return settings.peppers;
  const { pepperDirectory } = describeStore(settings);
  if (pepperDirectory !== null) return [pepperOfDirectory(pepperDirectory)];
  logger.warn(
    "KEY_PEPPER is not set: no digests are stored, and each process runs bcrypt at a key's first use. Set it to the same value in all processes.",
  );
  return [];
}
