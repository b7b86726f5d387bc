import { LogController, type FastifyBaseLogger, type FastifyServerOptions } from 'fastify';
import { randomUUID } from 'node:crypto';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';
import type { Callers } from '../net/trustedProxies.js';
import { identify } from './everyAnswer.js';
import { refuseRequest } from './faults.js';

interface RoutingOptions {
  readonly logger: FastifyBaseLogger;
  readonly callers: Callers;
  /** The path of the API, for messages. */
  readonly api: string;
}

/**
 * Routes have no JSON Schema, because GraphQL validates input. Loading Fastify's schema compilers would take a tenth of
 * the start time. The build omits them (scripts/build/bundle.js).
 */
function compileSchema(): never {
  throw new Error('Routes have no JSON Schema here.');
}

/** Returns Fastify's options for Latchkey's routes, on its own server or on a host's server. */
export function routingOptions({ logger, callers, api }: RoutingOptions) {
  return {
    loggerInstance: logger,
    // Replaced by our own log line: Fastify's contains the whole URL, which may contain a query or a key.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // A child logger for each request would cost more than its log line.
    childLoggerFactory: (own) => own,
    genReqId: () => randomUUID(),
    schemaController: { compilersFactory: { buildValidator: compileSchema, buildSerializer: compileSchema } },
    bodyLimit: MAX_BODY_BYTES,
    // Fastify's own response to an invalid URL repeats the URL, which may contain a key. No hooks run here.
    frameworkErrors: (_error, request, reply) => {
      identify(request, reply, callers);
      refuseRequest(reply, `The URL is invalid. The API is at ${api}.`);
    },
  } satisfies FastifyServerOptions;
}
