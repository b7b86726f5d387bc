import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Server as HttpsServer } from 'node:https';
import type { Assembly } from '../../assembly/assembly.js';
import type { Observer } from '../../core/observer/observer.js';
import type { Certificate } from '../net/certificate.js';
import { Proxies } from '../net/trustedProxies.js';
import type { OpenStreams } from '../../core/streams/openStreams.js';
import type { Settings } from '../settings/settings.js';
import type { Store } from '../../core/store/store.js';
import type { Tracing } from '../tracing/tracing.js';
import type { Gateway } from '../gateway/gateway.js';
import { servingAgain } from '../gateway/otherUpgrades.js';
import { askOperation } from './askOperation.js';
import { authenticationHook } from './authentication.js';
import { authRoute } from './authRoute.js';
import { decodeBodies } from './bodyEncoding.js';
import { HEADER_TIME } from '../../core/guard/document/documentBounds.js';
import { authenticateFirst } from './beforeRouting.js';
import { Connections } from './connections.js';
import { DirectAnswers } from './directAnswers.js';
import { allowOrigins } from './cors.js';
import { countBodies } from './countBodies.js';
import { addToEveryAnswer } from './everyAnswer.js';
import { EarlyRefusals } from './earlyRefusals.js';
import { SharedAddresses } from './sharedAddress.js';
import { dashboardRoute, isBrowser } from './dashboardRoute.js';
import { answerFaults, refuseUnknownRoutes } from './faults.js';
import { graphqlRoute } from './graphqlRoute.js';
import { healthRoutes, type Sharing } from './health.js';
import { jwksRoute } from './jwksRoute.js';
import { KnownRequests } from './knownRequests.js';
import { mcpRoute } from './mcpRoute.js';
import { metricsRoute, type Scrape } from './metricsRoute.js';
import { Moments } from './changeMoments.js';
import { protectedResourceRoutes } from './protectedResourceRoutes.js';
import { jsonParser, parseBodies } from './parseBodies.js';
import { requireHttps, STRICT_TRANSPORT_SECURITY } from './requireHttps.js';
import { routingOptions } from './routing.js';
import { schemaRoute } from './schemaRoute.js';
import { streamCredential } from './streamCredential.js';
import { StreamOpener } from './streamOpener.js';
import { streamRoute } from './streamRoute.js';
import { traceRequests } from './traceRequests.js';
import { UnreadCounter } from './usedUp.js';
import { verifyRoute } from './verifyRoute.js';
import { Verdicts } from '../../management/verdicts.js';

interface ServerOptions {
  readonly latchkey: Assembly;
  /** A schema that `latchkey.guard` has guarded. */
  readonly schema: GraphQLSchema;
  /** The API to which operations at /graphql are forwarded. Default: none, and `schema` is served there. */
  readonly gateway?: Gateway | null;
  readonly store: Pick<Store, 'ping'>;
  readonly settings: Pick<
    Settings,
    | 'answer'
    | 'authAudiences'
    | 'trustProxy'
    | 'trustProxyHeader'
    | 'requireHttps'
    | 'corsOrigins'
    | 'corsRequestHeaders'
    | 'corsResponseHeaders'
    | 'introspection'
    | 'cost'
    | 'dashboard'
  >;
  readonly streams: OpenStreams;
  /** Default: none, and the server uses plain HTTP. */
  readonly certificate?: Certificate | null;
  readonly logger: FastifyBaseLogger;
  /** The state of shared limits, for /readyz. Default: none, because the limits belong to this process. */
  readonly sharing?: Sharing | null;
  readonly observer: Observer;
  /** null if metrics are not served here. */
  readonly scrape: Scrape | null;
  /** null if requests are not traced. */
  readonly tracing: Tracing | null;
  /** Default: a new object for this server. */
  readonly connections?: Connections;
}

/**
 * Timeout for the TLS handshake, in ms. Node's default is two minutes, and nothing else closes a connection before its handshake, so it
 * would delay a stop for longer than running requests may take.
 */
const HANDSHAKE_TIME = 5_000;

/** The maximum time for a request to arrive, in ms. */
const REQUEST_TIME = 30_000;

/** The path of the API that the service guards. */
const API = '/graphql';

/** By default, Node looks for slow callers every 30 s, which gives them that much more time. */
const SLOW_CALLERS = { headersTimeout: HEADER_TIME, connectionsCheckingInterval: 2_000 } as const;

/** Returns the HTTP server, ready to listen. Close it with {@link Connections.drain}, so that no request is lost. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { latchkey, schema, store, settings, certificate = null, streams, logger } = options;
  const { sharing, observer, scrape, tracing, connections = new Connections(), gateway = null } = options;
  const callers = new Proxies(settings.trustProxy, settings.trustProxyHeader);
  const { limiter, usage, refusals, rateLimitHeaders } = latchkey;
  const httpOptions = {
    ...routingOptions({ logger, callers, api: API }),
    requestTimeout: requestTime(gateway),
    forceCloseConnections: 'idle',
    // Requests that arrive while the server closes are still processed.
    return503OnClosing: false,
  } satisfies FastifyServerOptions;
  const app: FastifyInstance =
    certificate === null
      ? Fastify({ ...httpOptions, http: SLOW_CALLERS })
      : Fastify({ ...httpOptions, https: { ...certificate, ...SLOW_CALLERS, handshakeTimeout: HANDSHAKE_TIME } });
  const serveAgain = servingAgain(app.server);
  connections.watch(app.server);
  const verifier: Pick<Assembly, 'authenticate' | 'arrived'> =
    tracing === null
      ? latchkey
      : {
          authenticate: (source) => tracing.child('verify', () => latchkey.authenticate(source)),
          arrived: (principal) => latchkey.arrived(principal),
        };
  const moments = new Moments(latchkey);
  const authenticate = authenticationHook(verifier, moments);

  app.removeContentTypeParser('text/plain');
  const verdicts = new Verdicts({ usage, refusals, observer });
  parseBodies(app);
  countBodies(app, { limiter, verdicts });
  decodeBodies(app);
  const shared = new SharedAddresses(app.log);
  addToEveryAnswer(app, { limiter, rateLimitHeaders, observer, callers, connections, shared });
  if (tracing !== null) traceRequests(app, tracing);
  if (settings.requireHttps) requireHttps(app, latchkey);
  answerFaults(app, { api: API, resourceMetadata: () => latchkey.resourceMetadata() });
  await allowOrigins(app, {
    origins: settings.corsOrigins,
    requestHeaders: settings.corsRequestHeaders,
    responseHeaders: settings.corsResponseHeaders,
    rateLimitHeaders: latchkey.rateLimitHeaders,
  });
  // After CORS, because preflight requests have no route.
  refuseUnknownRoutes(app, API);
  const unread = new UnreadCounter(latchkey, verdicts);
  // Key management stays at one address in every mode. Without a gateway, /graphql serves it, too.
  const prefixes = gateway === null ? ['', '/admin'] : ['/admin'];
  const paths = prefixes.map((prefix) => `${prefix}/graphql`);
  const { apollo, known, runner } = await graphqlRoute(app, {
    ...{ latchkey, schema, logger, tracing, authenticate, moments, connections, unread, paths },
  });
  // Each of these adds to every response, or to a trace.
  if (tracing === null && settings.corsOrigins.length === 0) {
    const resourceMetadata = (): string | null => latchkey.resourceMetadata();
    const { requireHttps: needsHttps } = settings;
    const fields = needsHttps ? ['strict-transport-security', STRICT_TRANSPORT_SECURITY] : [];
    const answers = new DirectAnswers({ connections, observer, logger, shared, fields });
    authenticateFirst(app.server, {
      ...{ latchkey, callers, connections, moments, answers, requireHttps: needsHttps },
      paths: [API, '/admin/graphql'],
      refusals: new EarlyRefusals({ limiter, rateLimitHeaders, resourceMetadata, connections, logger }),
      known: new KnownRequests({ known, runner, paths, parse: jsonParser(app), answers, moments, connections, logger }),
    });
  }
  const authenticateStream = authenticationHook(verifier, moments, streamCredential);
  if (gateway !== null) {
    // Loaded only here, because most servers have no gateway.
    const { gatewayRoute } = await import('../gateway/gatewayRoute.js');
    const { forwardWebSockets } = await import('../gateway/webSockets.js');
    gatewayRoute(app, {
      ...{ gateway, latchkey, moments, connections, unread, streams, observer },
      authenticate: authenticateStream,
      maxBytes: settings.answer.bytes,
    });
    const { requireHttps: needsHttps } = settings;
    forwardWebSockets(app, {
      ...{ gateway, latchkey, streams, observer, connections, callers, serveAgain, logger, needsHttps, path: API },
      maxBytes: settings.answer.bytes,
    });
  }
  streamRoute(app, {
    apollo,
    streams,
    paths: prefixes.map((prefix) => `${prefix}/graphql/stream`),
    opener: new StreamOpener({
      schema,
      latchkey,
      streams,
      verdicts,
      introspection: settings.introspection,
      cost: settings.cost,
      answer: settings.answer,
      log: (err, { requestId }) => logger.error({ err, requestId }, 'request failed'),
    }),
    authenticate: authenticateStream,
    observer,
    connections,
    latchkey,
    moments,
    unread,
  });
  const served = (): GraphQLSchema => gateway?.schema ?? schema;
  const reading = { introspection: settings.introspection, limiter, usage, refusals, observer, authenticate };
  schemaRoute(app, { ...reading, schemaOf: served });
  schemaRoute(app, { ...reading, schemaOf: () => schema, path: '/admin/schema.graphql' });
  mcpRoute(app, {
    ...{ latchkey, settings, observer, authenticate, moments },
    schemaOf: served,
    run: (operation, context, request) =>
      gateway === null ? askOperation(apollo, operation, context) : gateway.run(operation, context, request),
  });
  await verifyRoute(app, { latchkey, authenticate, moments, verdicts });
  authRoute(app, { latchkey, authenticate, proxies: callers, audiences: settings.authAudiences });
  protectedResourceRoutes(app, latchkey);
  jwksRoute(app, { latchkey, verdicts, authenticate });
  healthRoutes(app, {
    store,
    sharing: sharing ?? null,
    connections,
    drift: () => gateway?.drift.summary ?? null,
    unknownTiers: latchkey.unknownTiers,
  });
  if (scrape !== null) metricsRoute(app, scrape, authenticate);
  if (settings.dashboard) dashboardRoute(app, { signIn: () => latchkey.signIn(), api: '/admin/graphql' });
  app.get('/', (request, reply) =>
    reply.header('vary', 'accept').redirect(settings.dashboard && isBrowser(request) ? '/dashboard/' : '/graphql'),
  );
  return app;
}

/** Returns the maximum time for a request to arrive, in ms. Its header and most bodies have shorter limits of their own. */
function requestTime(gateway: Gateway | null): number {
  return gateway === null || gateway.maxUploadBytes === 0 ? REQUEST_TIME : gateway.uploadTime + REQUEST_TIME;
}

/** Uses a new certificate for new connections of a TLS server. */
export function renewCertificate({ server }: FastifyInstance, certificate: Certificate): void {
  (server as unknown as HttpsServer).setSecureContext(certificate);
}
