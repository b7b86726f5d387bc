import Fastify, { type FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Assembly } from '../../assembly/assembly.js';
import { Verdicts } from '../../management/verdicts.js';
import type { OpenStreams } from '../../core/streams/openStreams.js';
import { authenticationHook } from '../http/authentication.js';
import { decodeBodies } from '../http/bodyEncoding.js';
import { Moments } from '../http/changeMoments.js';
import { Connections } from '../http/connections.js';
import { allowOrigins } from '../http/cors.js';
import { countBodies } from '../http/countBodies.js';
import { dashboardRoute, isBrowser } from '../http/dashboardRoute.js';
import { addToEveryAnswer } from '../http/everyAnswer.js';
import { SharedAddresses } from '../http/sharedAddress.js';
import { answerFaults, refuseUnknownRoutes } from '../http/faults.js';
import { graphiqlPage } from '../http/graphiql.js';
import { graphqlRoute } from '../http/graphqlRoute.js';
import { mcpRoute } from '../http/mcpRoute.js';
import { parseBodies } from '../http/parseBodies.js';
import { routingOptions } from '../http/routing.js';
import { schemaRoute } from '../http/schemaRoute.js';
import { streamCredential } from '../http/streamCredential.js';
import { StreamOpener } from '../http/streamOpener.js';
import { streamRoute } from '../http/streamRoute.js';
import { UnreadCounter } from '../http/usedUp.js';
import type { Callers } from '../net/trustedProxies.js';
import type { CheckedOptions } from './adminOptions.js';
import { readHostBodies } from './hostBodies.js';
import { hostLogger } from './hostLogger.js';
import { OwnOperations } from './ownOperations.js';

interface AdminRoutesOptions {
  readonly latchkey: Assembly;
  /** The schema of the administration API, guarded. */
  readonly administration: GraphQLSchema;
  /** The guarded schema that the host itself serves; null if there is none. */
  readonly own: GraphQLSchema | null;
  readonly streams: OpenStreams;
  readonly callers: Callers;
  readonly options: CheckedOptions;
}

/** Returns the routes of the administration API, which do not listen: the host passes requests to them. */
export async function adminRoutes(given: AdminRoutesOptions): Promise<FastifyInstance> {
  const { latchkey, callers, options } = given;
  const { limiter, usage, refusals, observer, rateLimitHeaders } = latchkey;
  const { path, corsOrigins } = options;
  const api = `${path}/graphql`;
  const logger = hostLogger(latchkey);
  const app: FastifyInstance = Fastify(routingOptions({ logger, callers, api }));
  app.removeContentTypeParser('text/plain');
  const verdicts = new Verdicts({ usage, refusals, observer });
  parseBodies(app);
  readHostBodies(app);
  countBodies(app, { limiter, verdicts });
  decodeBodies(app);
  const other = { connections: new Connections(), shared: new SharedAddresses(app.log) };
  addToEveryAnswer(app, { limiter, rateLimitHeaders, observer, callers, ...other });
  answerFaults(app, { api, resourceMetadata: () => latchkey.resourceMetadata() });
  const cors = { origins: corsOrigins, requestHeaders: [], responseHeaders: [], rateLimitHeaders };
  await allowOrigins(app, cors);
  refuseUnknownRoutes(app, api);
  await app.register(async (below) => serve(below, given, verdicts), { prefix: path });
  await app.ready();
  return app;
}

async function serve(app: FastifyInstance, given: AdminRoutesOptions, verdicts: Verdicts): Promise<void> {
  const { latchkey, administration, own, streams, options } = given;
  const { limiter, usage, refusals, observer, introspection, cost, answer } = latchkey;
  const { log: logger } = app;
  const connections = new Connections();
  const moments = new Moments(latchkey);
  const authenticate = authenticationHook(latchkey, moments);
  const unread = new UnreadCounter(latchkey, verdicts);
  const common = { latchkey, moments, connections, unread, observer, authenticate };
  const { apollo } = await graphqlRoute(app, { ...common, schema: administration, logger, tracing: null });
  streamRoute(app, {
    ...common,
    apollo,
    streams,
    authenticate: authenticationHook(latchkey, moments, streamCredential),
    opener: new StreamOpener({
      ...{ latchkey, streams, verdicts, introspection, cost, answer },
      schema: administration,
      log: (error, context) => latchkey.report(error, context),
    }),
  });
  const schema = own ?? administration;
  schemaRoute(app, { schemaOf: () => schema, introspection, limiter, usage, refusals, observer, authenticate });
  const operations = new OwnOperations({
    ...{ schema, latchkey, logger },
    context: options.context ?? (() => ({})),
  });
  app.addHook('onClose', () => operations.close());
  mcpRoute(app, {
    ...common,
    schemaOf: () => schema,
    settings: { corsOrigins: options.corsOrigins, introspection, cost },
    run: (operation, context) => operations.run(operation, context),
  });
  app.get('/graphiql', async (_request, reply) => {
    const { body, headers } = await graphiqlPage(options.endpoint);
    return reply.headers(headers).send(body);
  });
  if (options.dashboard) dashboardRoute(app, { signIn: () => latchkey.signIn(), api: `${options.path}/graphql` });
  app.get('/', (request, reply) => {
    const target = options.dashboard && isBrowser(request) ? 'dashboard/' : 'graphql';
    return reply.header('vary', 'accept').redirect(`${options.path}/${target}`);
  });
}
