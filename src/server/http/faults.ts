import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { httpAnswer, statusBeforeData } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import { unreported } from '../../core/store/storeErrors.js';
import { BODY_ENCODINGS, BodyFault, TOO_LARGE } from './bodyEncoding.js';
import { INTERNAL_ERROR } from '../../core/errors/publicErrors.js';

/**
 * Sends the response to requests that do not reach GraphQL: refusals, HTTP faults and unknown routes. The body has
 * GraphQL's format.
 *
 * @param options the path of the API, and the address of its metadata for challenges: see {@link httpAnswer}
 */
export function answerFaults(
  app: FastifyInstance,
  { api, resourceMetadata }: { readonly api: string; readonly resourceMetadata: () => string | null },
): void {
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, resourceMetadata()));
  app.setNotFoundHandler((request, reply) => answerUnknownRoute(request, reply, api));
}

/**
 * Responds to requests for unknown routes and methods before their body is read: otherwise Fastify would parse it,
 * whatever its size. Call this after adding every hook that such a response needs.
 *
 * @param api the path of the API
 */
export function refuseUnknownRoutes(app: FastifyInstance, api: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) answerUnknownRoute(request, reply, api);
    else done();
  });
}

function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply, api: string): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  if (path === '/v1/verify') {
    return refuseRequest(reply.header('allow', 'POST'), 'Send the token by POST, in the body.', 405, V1_ERROR);
  }
  // Key management is there, too, in every mode.
  const apis = [api, '/admin/graphql'];
  if (apis.some((each) => path === `${each}/stream`)) {
    return refuseRequest(reply.header('allow', 'GET, POST'), 'Send subscriptions by POST or GET.', 405);
  }
  if (!apis.includes(path)) {
    return refuse(reply, new Refusal(`Not found. The API is at ${api}.`, { code: 'NOT_FOUND' }), {
      status: 404,
    });
  }
  return refuseRequest(reply.header('allow', 'GET, POST'), 'Send operations by POST, or queries by GET.', 405);
}

/** Refuses a request because of an HTTP fault. */
export function refuseRequest(reply: FastifyReply, message: string, status = 400, form = GRAPHQL): FastifyReply {
  return refuse(reply, new Refusal(message, { code: 'BAD_REQUEST' }), { status, form });
}

/** The format of error responses of a route. */
export interface FaultForm {
  readonly body: (message: string, details: object) => string;
  /** The message if the body can't be parsed. */
  readonly unread: string;
  /** The status of a refusal. Default: the status of a refused request that runs no operation. */
  readonly statusOf?: (refusal: Refusal) => number;
}

/** The format of errors of GraphQL. */
export const GRAPHQL: FaultForm = {
  body: (message, extensions) => JSON.stringify({ errors: [{ message, extensions }] }),
  unread: 'The body must be a JSON object. Send {"query": "...", "variables": {...}}.',
};

/** The format of errors of /v1: one object, with the code and what to do next. */
export const V1_ERROR: FaultForm = {
  body: (message, details) => JSON.stringify({ error: { message, ...details } }),
  unread: 'The body is not valid JSON. Send {"token": "…"}, or a form with token=….',
};

/**
 * Responds to an HTTP fault, a refusal, or a fault of the server.
 *
 * @param form default: GraphQL's
 */
export function answerError(
  error: unknown,
  reply: FastifyReply,
  resourceMetadata: string | null,
  form: FaultForm = GRAPHQL,
): FastifyReply {
  const { request } = reply;
  if (error instanceof Refusal) {
    const err = unreported(error.cause);
    if (err !== undefined) request.log.error({ err, requestId: request.id }, 'request refused');
    return refuse(reply, error, { resourceMetadata, form });
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 500) {
    request.outcome.word = 'error';
    request.log.error({ err: error, requestId: request.id }, 'request failed');
    const { message, extensions } = INTERNAL_ERROR;
    return reply.code(500).type('application/json').send(form.body(message, extensions));
  }
  if (error instanceof BodyFault) {
    // RFC 9110 section 12.5.3: only for a 415 that is caused by the encoding.
    if (status === 415) reply.header('accept-encoding', BODY_ENCODINGS);
    return refuseRequest(reply, error.message, status, form);
  }
  const message = status === 400 ? form.unread : (FAULTS[status] ?? 'The request is invalid.');
  return refuseRequest(reply, message, status, form);
}

const FAULTS: Readonly<Record<number, string>> = {
  413: TOO_LARGE,
  415: 'Unsupported Content-Type. Send application/json.',
};

interface Told {
  /** Replaces the refusal's own status. Then no challenge is sent. */
  readonly status?: number;
  /** For challenges. Default: none. */
  readonly resourceMetadata?: string | null;
  readonly form?: FaultForm;
}

function refuse(
  reply: FastifyReply,
  refusal: Refusal,
  { status, resourceMetadata = null, form = GRAPHQL }: Told,
): FastifyReply {
  const answer = httpAnswer(refusal, resourceMetadata);
  reply.request.outcome.word = refusal.details.code;
  if (status === undefined) for (const [name, value] of answer.headers) reply.header(name, value);
  return reply
    .code(status ?? (form.statusOf ?? statusBeforeData)(refusal))
    .header('cache-control', reply.request.principal.kind === 'anonymous' ? 'no-store' : 'private, no-store')
    .type('application/json; charset=utf-8')
    .send(form.body(refusal.message, refusal.details));
}
