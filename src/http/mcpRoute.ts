import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { unauthenticated } from '../credentials/authenticator.js';
import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Latchkey } from '../latchkey.js';
import type { Caller } from '../mcp/caller.js';
import type { Endpoint } from '../mcp/endpoint.js';
import type { Observer } from '../metrics/observer.js';
import { Refusal } from '../refusals/refusal.js';
import type { Settings } from '../settings/settings.js';
import { askOperation } from './askOperation.js';
import type { AuthenticationHook } from './authentication.js';
import { documentBounds } from './bounds.js';
import { answerError, refuseRequest, type FaultForm } from './faults.js';
import { MCP_HEADERS } from './mcpHeaders.js';
import { takeOneRequest } from './oneRequest.js';
import type { RequestContext } from './requestContext.js';
import { Verdicts } from './verdicts.js';

export interface McpRouteOptions {
  /** With the opening plugin. */
  readonly apollo: Pick<ApolloServer<RequestContext>, 'executeHTTPGraphQLRequest'>;
  readonly latchkey: Latchkey;
  /** Guarded. */
  readonly schema: GraphQLSchema;
  readonly settings: Pick<Settings, 'corsOrigins' | 'introspection'>;
  readonly observer: Observer;
  readonly authenticate: AuthenticationHook;
}

/** As JSON-RPC tells faults of which the request cannot be named. */
const JSON_RPC: FaultForm = {
  body: (message, data) => JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_000, message, data } }),
  unread: 'The body is no JSON. Send one message of JSON-RPC 2.0.',
};

/** The header fields that say what the client can read, and those of MCP. */
const HEADERS = ['accept', 'content-type', ...MCP_HEADERS.map((name) => name.toLowerCase())];

/**
 * POST /mcp: the Model Context Protocol, streamable HTTP without sessions. Each request brings its credential, which is judged
 * before the body is read. GET and DELETE, which are for sessions, are answered with 405.
 */
export function mcpRoute(app: FastifyInstance, options: McpRouteOptions): void {
  const { apollo, latchkey, schema, settings, observer, authenticate } = options;
  const { limiter, usage, refusals } = latchkey;
  const verdicts = new Verdicts({ usage, refusals, observer });
  let endpoint: Promise<Endpoint> | null = null;
  const opened = async (): Promise<Endpoint> => {
    try {
      const { Endpoint } = await import('../mcp/endpoint.js');
      return new Endpoint({ schema, limiter, introspection: settings.introspection, bounds: documentBounds() });
    } catch (error) {
      endpoint = null;
      throw error;
    }
  };

  const callerOf = (request: FastifyRequest, principal: AuthenticatedPrincipal): Caller => {
    const { id: requestId, outcome, caller, headers } = request;
    const origin = { address: caller.address, userAgent: headers['user-agent'] ?? null };
    return {
      principal,
      run: (operation, only) =>
        askOperation(apollo, operation, { principal, origin, requestId, outcome, only, opening: null }),
      takeOne: () =>
        takeOneRequest(principal, limiter, verdicts).catch((error: unknown) => {
          if (error instanceof Refusal) outcome.word = error.details.code;
          throw error;
        }),
      failed: (err) => {
        outcome.word = 'error';
        request.log.error({ err, requestId }, 'request failed');
      },
    };
  };

  app.route({
    method: 'POST',
    url: '/mcp',
    onRequest: [originHook(settings.corsOrigins), authenticate, refuseAnonymous],
    errorHandler: (error, request, reply) =>
      void answerError(error, request, reply, latchkey.resourceMetadata('mcp'), JSON_RPC),
    handler: async (request, reply) => {
      const { principal, body: message } = request;
      if (principal.kind === 'anonymous') throw unauthenticated('missing');
      if (Array.isArray(message)) return refuseRequest(reply, ONE_MESSAGE, 400, JSON_RPC);
      const answered = await (
        await (endpoint ??= opened())
      ).answer({ message, headers: headersOf(request) }, callerOf(request, principal));
      reply.code(answered.status);
      if (answered.type !== null) reply.type(answered.type);
      return reply.send(answered.body);
    },
  });
}

/** A batch would be many calls for one look at the credential. MCP has none since its revision 2025-06-18. */
const ONE_MESSAGE = 'The body is a batch. Send one message of JSON-RPC 2.0 in each request.';

/**
 * MCP's servers must look at Origin: a page whose name was made to lead to this machine (DNS rebinding) sends its own. That
 * it names the host which the request names too proves nothing, so that CORS_ORIGINS alone is asked.
 */
function originHook(allowed: readonly string[]) {
  return ({ headers: { origin } }: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) done();
    else void refuseRequest(reply, OTHER_ORIGIN, 403, JSON_RPC);
  };
}

const OTHER_ORIGIN =
  'Pages of this origin may not call. For its operator: name the origin in CORS_ORIGINS, if it is to be let in.';

/** Before the body is read: nothing here is for nobody. */
function refuseAnonymous({ principal }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  if (principal.kind === 'anonymous') done(unauthenticated('missing'));
  else done();
}

function headersOf({ headers }: FastifyRequest): Record<string, string> {
  return Object.fromEntries(
    HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
