import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { unauthenticated } from '../../core/auth/authenticator.js';
import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import type { Assembly } from '../../assembly/assembly.js';
import type { Caller } from '../mcp/caller.js';
import { refusalOf } from '../../core/limits/refuse.js';
import { subjectOfKey } from '../../core/limits/subjects.js';
import type { Endpoint, Replied } from '../mcp/endpoint.js';
import { isTooLarge, MAX_MESSAGE_VALUES } from '../mcp/messageSize.js';
import type { Observer } from '../../core/observer/observer.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Settings } from '../settings/settings.js';
import { afterBody, type AuthenticationHook } from './authentication.js';
import { documentBounds } from '../../core/guard/document/documentBounds.js';
import { answerError, refuseRequest, type FaultForm } from './faults.js';
import { MCP_HEADERS } from './mcpHeaders.js';
import { takeOneRequest } from './oneRequest.js';
import { refusingUsedUp } from './usedUp.js';
import type { Moments } from './changeMoments.js';
import type { RequestContext } from './requestContext.js';
import { Verdicts } from '../../management/verdicts.js';

/** The response to an operation. */
interface RanOperation {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

interface McpRouteOptions {
  /** Runs an operation as if it had arrived at /graphql. */
  readonly run: (
    operation: Record<string, unknown>,
    context: RequestContext,
    request: FastifyRequest,
  ) => Promise<RanOperation>;
  readonly latchkey: Assembly;
  /** Returns the current schema, which is guarded. */
  readonly schemaOf: () => GraphQLSchema;
  readonly settings: Pick<Settings, 'corsOrigins' | 'introspection' | 'cost'>;
  readonly observer: Observer;
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
}

/**
 * The format of errors in JSON-RPC.
 *
 * @param id of the request; null if it is unknown
 */
const jsonRpc = (id: string | number | null): FaultForm => ({
  body: (message, data) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_000, message, data } }),
  unread: 'The body is not JSON. Send one JSON-RPC 2.0 message.',
});

const JSON_RPC = jsonRpc(null);

/** Maximum size of a notification in bytes. Such a body is read even if the key's windows are used up. */
const MAX_NOTIFICATION_BYTES = 4096;

/** Clients may use either path. */
const PATHS = ['/mcp', '/mcp/'] as const;

/** The header fields for content negotiation, and those of MCP. */
const HEADERS = ['accept', 'content-type', ...MCP_HEADERS.map((name) => name.toLowerCase())];

/**
 * Serves POST /mcp: the Model Context Protocol, streamable HTTP without sessions. Each request has a credential, which
 * is checked before the body is read. GET and DELETE, which manage sessions, return 405.
 *
 * Each message costs one request of the key's limits, because processing any message takes time, and an operation then
 * costs the rest of its cost. Notifications, which have no result, and methods other than POST have separate windows of
 * the same size. This lets a client connect (initialize, initialized, GET, tools/list) with a burst of two.
 */
export function mcpRoute(app: FastifyInstance, options: McpRouteOptions): void {
  const { run, latchkey, schemaOf, settings, observer, authenticate, moments } = options;
  const { limiter, meters, usage, refusals } = latchkey;
  const verdicts = new Verdicts({ usage, refusals, observer });
  let endpoint: Promise<Endpoint> | null = null;
  let schema: GraphQLSchema | null = null;
  const current = (): Promise<Endpoint> => {
    if (schema !== schemaOf()) endpoint = null;
    schema = schemaOf();
    return (endpoint ??= opened(schema));
  };
  const opened = async (schema: GraphQLSchema): Promise<Endpoint> => {
    try {
      const { Endpoint } = await import('../mcp/endpoint.js');
      return new Endpoint({
        schema,
        limiter,
        meters,
        introspection: settings.introspection,
        cost: settings.cost,
        bounds: documentBounds(),
      });
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
        run(
          { ...operation },
          { ...{ principal, origin, requestId, outcome, only }, counted: true, opening: null },
          request,
        ),
      failed: (err) => {
        outcome.word = 'error';
        request.log.error({ err, requestId }, 'request failed');
      },
    };
  };

  const takeBeside = async (principal: AuthenticatedPrincipal): Promise<void> => {
    const { familyId, tier } = principal;
    const refusal = refusalOf(await limiter.admit({ family: `${familyId}/mcp`, tier }, 1), 1);
    if (refusal === null) return;
    verdicts.refused(principal, refusal);
    throw refusal;
  };
  const take = async (principal: AuthenticatedPrincipal, message: unknown): Promise<void> => {
    if (isNotification(message)) return takeBeside(principal);
    if (!runsOperation(message)) return takeOneRequest(principal, limiter, verdicts);
    // Usage is recorded later, with the cost of the operation.
    const refusal = refusalOf(await limiter.admit(subjectOfKey(principal, limiter.tiers), 1), 1);
    if (refusal === null) return;
    verdicts.refused(principal, refusal);
    throw refusal;
  };

  const answerFault = async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let fault = error;
    const { principal, body } = request;
    // Counts a body that can't be read, too.
    if (principal.kind !== 'anonymous' && body === undefined && !(error instanceof Refusal)) {
      await takeOneRequest(principal, limiter, verdicts).catch((refusal: unknown) => (fault = refusal));
    }
    return answerError(fault, reply, latchkey.resourceMetadata('mcp'), jsonRpc(idOf(body)));
  };

  const onRequest = [originHook(settings.corsOrigins), authenticate];
  const errorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply): void =>
    void answerFault(error, request, reply);

  // Notifications are small and have separate windows.
  const refuseUsedUp = (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    if (Number(request.headers['content-length'] ?? Infinity) <= MAX_NOTIFICATION_BYTES) done();
    else refusingUsedUp(latchkey, request, done)();
  };

  const refuseMethod = async ({ principal }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (principal.kind !== 'anonymous') await takeBeside(principal);
    return refuseRequest(reply.header('allow', 'POST'), BY_POST, 405, JSON_RPC);
  };
  for (const url of PATHS) {
    app.route({ method: ['GET', 'DELETE', 'PUT', 'PATCH'], url, onRequest, errorHandler, handler: refuseMethod });
  }

  for (const url of PATHS)
    app.route({
      method: 'POST',
      url,
      onRequest: [...onRequest, refuseAnonymous, refuseUsedUp],
      preHandler: afterBody(latchkey, moments),
      errorHandler,
      handler: async (request, reply) => {
        const { principal, body: message } = request;
        if (principal.kind === 'anonymous') throw unauthenticated('missing');
        await take(principal, message);
        if (isNotification(message)) return reply.code(202).send();
        if (Array.isArray(message)) return refuseRequest(reply, ONE_MESSAGE, 400, JSON_RPC);
        if (isTooLarge(message)) return refuseRequest(reply, TOO_MANY_VALUES, 413, jsonRpc(idOf(message)));
        const answered = await (
          await current()
        ).answer({ message, headers: headersOf(request) }, callerOf(request, principal));
        const { type, body } = readsEvents(request.headers.accept) ? answered : asJson(answered);
        reply.code(answered.status);
        if (type !== null) reply.type(type);
        return reply.send(body);
      },
    });
}

const BY_POST = 'Send messages of the Model Context Protocol by POST.';

const TOO_MANY_VALUES = `The message has more than ${MAX_MESSAGE_VALUES} values in addition to the arguments of a tool. Send fewer.`;

/** A batch would run many calls with one authentication. MCP removed batches in revision 2025-06-18. */
const ONE_MESSAGE = 'The body is a batch. Send one message of JSON-RPC 2.0 in each request.';

/**
 * Returns a hook that checks Origin, which MCP servers must do: a page can use DNS rebinding to reach this machine
 * under its own host name. That Origin and Host match therefore proves nothing, and only CORS_ORIGINS decides.
 */
function originHook(allowed: readonly string[]) {
  return ({ headers: { origin } }: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) done();
    else void refuseRequest(reply, OTHER_ORIGIN, 403, JSON_RPC);
  };
}

const OTHER_ORIGIN = "Pages of this origin can't use the API. Operators: add the origin to CORS_ORIGINS to allow it.";

/** Rejects anonymous requests before reading the body. */
function refuseAnonymous({ principal }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  if (principal.kind === 'anonymous') done(unauthenticated('missing'));
  else done();
}

/**
 * Returns the header fields for the SDK, which requires both media types in Accept. A client that accepts JSON in any
 * form gets JSON.
 */
function headersOf({ headers }: FastifyRequest): Record<string, string> {
  const given = Object.fromEntries(
    HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
  return readsJson(headers.accept) ? { ...given, accept: 'application/json, text/event-stream' } : given;
}

function readsJson(accept = '*/*'): boolean {
  return accept.trim() === '' || /(?:^|,)\s*(?:\*\/\*|application\/(?:\*|json))\s*(?:;|,|$)/i.test(accept);
}

function readsEvents(accept = ''): boolean {
  return /text\/event-stream/i.test(accept);
}

/** Returns a stream that contains one message as JSON. */
function asJson(answered: Replied): Pick<Replied, 'type' | 'body'> {
  if (answered.type?.startsWith('text/event-stream') !== true) return answered;
  const data = answered.body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
  return { type: 'application/json', body: data.at(-1) ?? '' };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns whether a message has no result and only needs to be acknowledged. */
function isNotification(message: unknown): boolean {
  if (!isRecord(message) || message.jsonrpc !== '2.0' || Object.hasOwn(message, 'id')) return false;
  return typeof message.method === 'string' && message.method.startsWith('notifications/');
}

/** Returns whether a message calls a tool that runs an operation, so that its cost is counted with the operation. */
function runsOperation(message: unknown): boolean {
  if (!isRecord(message) || message.method !== 'tools/call' || !isRecord(message.params)) return false;
  return message.params.name === 'run_query' || message.params.name === 'run_mutation';
}

function idOf(message: unknown): string | number | null {
  const id = isRecord(message) ? message.id : null;
  return (typeof id === 'string' && id.length <= 200) || typeof id === 'number' ? id : null;
}
