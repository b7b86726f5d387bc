import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import cors from '@fastify/cors';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { randomUUID } from 'node:crypto';
import { ANONYMOUS, type LatchkeyContext, type Principal } from '../credentials/principal.js';
import type { Latchkey } from '../latchkey.js';
import { httpAnswer } from '../refusals/http.js';
import { Refusal } from '../refusals/refusal.js';
import type { Settings } from '../settings/settings.js';
import type { Store } from '../store/store.js';
import { MAX_BODY_BYTES } from './bounds.js';
import { errorBody, INTERNAL_ERROR } from './errors.js';
import { graphiqlPage } from './graphiql.js';
import { healthRoutes } from './health.js';
import { limitHeaders } from './limitHeaders.js';
import { schemaRoute } from './schemaRoute.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}

export interface ServerOptions {
  readonly latchkey: Latchkey;
  /** A schema that `latchkey.guard` has guarded. */
  readonly schema: GraphQLSchema;
  readonly store: Pick<Store, 'ping'>;
  readonly settings: Pick<Settings, 'trustProxy' | 'corsOrigins' | 'introspection'>;
  readonly logger: FastifyBaseLogger;
}

/** The GraphQL context of this server. */
export interface RequestContext extends LatchkeyContext {
  /** As in the answer's X-Request-Id. */
  readonly requestId: string;
}

/** Header fields of an answer that a page of another origin may read. */
const EXPOSED_HEADERS = ['RateLimit-Policy', 'RateLimit', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

/** The HTTP server, ready to listen. Closing it drains: what runs is finished, nothing new begins. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { latchkey, schema, settings, logger } = options;
  const { introspection } = settings;
  const app = Fastify({
    loggerInstance: logger,
    // A line of our own instead: Fastify's holds the whole URL, in which a query or a key may stand.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    trustProxy: settings.trustProxy.length > 0 && [...settings.trustProxy],
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    // Fastify's own answer to a broken URL repeats it, and a key may stand in it. No hook runs here.
    frameworkErrors: (_error, request, reply) => {
      request.principal = ANONYMOUS;
      reply.header('x-request-id', request.id);
      refuse(
        reply,
        new Refusal('The address is not understood. The API is at /graphql.', { code: 'BAD_REQUEST' }),
        400,
      );
    },
  });
  const apollo = new ApolloServer<RequestContext>({
    schema,
    ...latchkey.serverOptions,
    plugins: [
      ...(latchkey.serverOptions.plugins ?? []),
      fastifyApolloDrainPlugin(app),
      // Apollo's own page comes from a CDN, and to any browser's GET, one with a query included.
      ApolloServerPluginLandingPageDisabled(),
    ],
    logger,
    stopOnTerminationSignals: false,
  });
  await apollo.start();

  app.decorateRequest('principal');
  app.removeContentTypeParser('text/plain');
  // Before all else: an answer to a preflight is given in the hook of the next plugin, and goes through onSend as well.
  app.addHook('onRequest', async (request, reply) => {
    request.principal = ANONYMOUS;
    reply.header('x-request-id', request.id);
  });
  app.addHook('onSend', async (request, reply) => {
    for (const [name, value] of limitHeaders(request.principal, latchkey.limiter)) {
      if (!reply.hasHeader(name)) reply.header(name, value);
    }
    // Some answers are given before the plugin sees them; what is for one key is for no cache, whoever gives it.
    if (request.principal.kind !== 'anonymous' && !reply.hasHeader('cache-control')) {
      reply.header('cache-control', 'private, no-store');
    }
  });
  app.addHook('onResponse', async (request, reply) => logRequest(request, reply));

  if (settings.corsOrigins.length > 0) {
    await app.register(cors, {
      origin: settings.corsOrigins.includes('*') ? '*' : [...settings.corsOrigins],
      methods: ['GET', 'POST'],
      allowedHeaders: [
        'Authorization',
        'X-API-Key',
        'Content-Type',
        'Accept',
        'Apollo-Require-Preflight',
        'X-Apollo-Operation-Name',
      ],
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: 600,
    });
  }
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    if (request.url.split('?', 1)[0] !== '/graphql') {
      return refuse(reply, new Refusal('There is nothing here. The API is at /graphql.', { code: 'NOT_FOUND' }), 404);
    }
    const refusal = new Refusal('Operations come by POST, queries also by GET.', { code: 'BAD_REQUEST' });
    return refuse(reply.header('allow', 'GET, POST'), refusal, 405);
  });

  const authenticate = async (request: FastifyRequest): Promise<void> => {
    request.principal = (await latchkey.context(request.raw)).principal;
  };
  const graphql = fastifyApolloHandler(apollo, {
    context: async ({ principal, id }) => ({ principal, requestId: id }),
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: async (request, reply) => {
      if (!hasHost(request)) return refuse(reply, new Refusal(BAD_HOST, { code: 'BAD_REQUEST' }), 400);
      if (wantsGraphiql(request)) return sendGraphiql(reply);
      await authenticate(request);
    },
    handler: graphql,
  });
  app.get('/', (_request, reply) => reply.redirect('/graphql'));
  schemaRoute(app, { schema, introspection, limiter: latchkey.limiter, authenticate });
  healthRoutes(app, options.store);
  return app;
}

/**
 * The adapter to Apollo Server makes a URL of the Host field: a bad one would throw there, be a 500, and put the whole
 * address into the log.
 */
function hasHost({ protocol, hostname, url }: FastifyRequest): boolean {
  return URL.canParse(url, `${protocol}://${hostname}/`);
}

const BAD_HOST = 'The Host header is not understood. Send the name of this server.';

/** A browser that opens the address, not a client that asks by GET. */
function wantsGraphiql(request: FastifyRequest): boolean {
  const { query } = request.query as Record<string, unknown>;
  return request.method === 'GET' && query === undefined && (request.headers.accept ?? '').includes('text/html');
}

async function sendGraphiql(reply: FastifyReply): Promise<FastifyReply> {
  const { body, headers } = await graphiqlPage();
  return reply.headers(headers).send(body);
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      method: request.method,
      // The route's and not the request's own: whatever a caller wrote there, a key may be in it.
      path: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
      key: request.principal.keyId,
    },
    'request',
  );
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Refusal) {
    if (error.cause !== undefined) request.log.error({ err: error.cause }, 'request refused');
    return refuse(reply, error);
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 500) {
    request.log.error({ err: error }, 'request failed');
    return reply
      .code(500)
      .type('application/json')
      .send({ errors: [INTERNAL_ERROR] });
  }
  return refuse(
    reply,
    new Refusal(FAULTS[status] ?? 'The request is not understood.', { code: 'BAD_REQUEST' }),
    status,
  );
}

const FAULTS: Readonly<Record<number, string>> = {
  400: 'The body is no JSON object. Send {"query": "...", "variables": {...}}.',
  413: `The body is larger than ${MAX_BODY_BYTES} bytes. Send less in one request.`,
  415: 'The body has a content type that is not understood. Send application/json.',
};

function refuse(reply: FastifyReply, refusal: Refusal, status?: number): FastifyReply {
  const answer = httpAnswer(refusal);
  if (status === undefined) for (const [name, value] of answer.headers) reply.header(name, value);
  return reply
    .code(status ?? answer.status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(errorBody(refusal));
}
