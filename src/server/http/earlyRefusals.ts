import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import { httpAnswer, statusBeforeData } from '../../core/errors/http.js';
import type { Principal } from '../../core/auth/principal.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { Refused } from '../../core/errors/refusalValue.js';
import type { LimitFields, RateLimitHeaders } from '../../core/limits/limitFields.js';
import { standingLimitsNow, writeLimitFields } from '../../core/limits/limitHeaders.js';
import type { Limits } from '../../core/limits/limits.js';
import { unreported } from '../../core/store/storeErrors.js';
import type { Connections } from './connections.js';
import { endAtOnce } from './endAtOnce.js';
import { GRAPHQL } from './faults.js';

/** The maximum number of prepared answers. There are about a hundred different ones. */
const MAX_PREPARED = 500;

interface EarlyRefusalsOptions {
  readonly limiter: Limits;
  readonly rateLimitHeaders: () => RateLimitHeaders;
  readonly resourceMetadata: () => string | null;
  readonly connections: Pick<Connections, 'isLeaving'>;
  readonly logger: FastifyBaseLogger;
}

/** The parts of a response that are the same for all equal refusals. */
interface Prepared {
  readonly details: object;
  readonly resourceMetadata: string | null;
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** The same as a list of names and values. */
  readonly fields: readonly string[];
  readonly body: string;
}

type Done = (error?: Error) => void;

/**
 * Sends refusals of requests whose body was not read straight to the connection. A flood of wrong keys causes thousands of them per
 * second, and Fastify's handling of errors takes longer than the check of a key.
 */
export class EarlyRefusals {
  readonly #options: EarlyRefusalsOptions;
  /** Keyed by message. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(options: EarlyRefusalsOptions) {
    this.#options = options;
  }

  /** Continues a hook: sends its refusal, and passes on any other error. */
  around(request: FastifyRequest, reply: FastifyReply, done: Done): Done {
    return (error) => {
      // While the server is stopping, hooks may have to close the connection.
      if (error instanceof Refusal && !this.#options.connections.isLeaving) this.#send(request, reply, error);
      else done(error);
    };
  }

  #send(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
    const { principal, outcome } = request;
    outcome.word = refusal.details.code;
    const prepared = this.prepare(refusal, request.id);
    const write = (fields: LimitFields | null): void => {
      writeRefusal(request, reply, prepared, fields);
    };
    const fields = this.limitFields(principal);
    if (fields instanceof Promise) void fields.then(write);
    else write(fields);
  }

  /** Returns the limit fields of a refusal; null if the caller has no windows, or the limits are unavailable. Never rejects. */
  limitFields(principal: Principal): LimitFields | null | Promise<LimitFields | null> {
    const { limiter, rateLimitHeaders } = this.#options;
    if (principal.kind === 'anonymous' && principal.network === undefined) return null;
    return standingLimitsNow(principal, limiter, rateLimitHeaders());
  }

  /** Returns the response to a refusal, and logs the fault that caused it, if any. */
  prepare(refused: Refusal | Refused, requestId: string): Prepared {
    const err = refused instanceof Refusal ? unreported(refused.cause) : undefined;
    if (err !== undefined) this.#options.logger.error({ err, requestId }, 'request refused');
    const { message, details } = refused;
    const resourceMetadata = this.#options.resourceMetadata();
    const known = this.#prepared.get(message);
    if (known?.resourceMetadata === resourceMetadata && areEqual(known.details, details)) return known;
    const body = GRAPHQL.body(message, details);
    const headers: Record<string, string> = {
      ...Object.fromEntries(httpAnswer(refused, resourceMetadata).headers),
      'content-type': 'application/json; charset=utf-8',
    };
    const fields = Object.entries(headers).flat();
    const prepared: Prepared = {
      ...{ details, resourceMetadata, status: statusBeforeData(refused), headers, fields, body },
    };
    if (known !== undefined || this.#prepared.size < MAX_PREPARED) this.#prepared.set(message, prepared);
    return prepared;
  }
}

/** Compares two objects of texts and numbers. Others, such as lists, are never equal. */
function areEqual(a: object, b: object): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  const [before, now] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return names.length === Object.keys(b).length && names.every((name) => before[name] === now[name]);
}

function writeRefusal(
  { principal }: FastifyRequest,
  reply: FastifyReply,
  { status, headers, body }: Prepared,
  limitFields: LimitFields | null,
): void {
  const { raw } = reply;
  const fields = reply.getHeaders() as OutgoingHttpHeaders;
  const bytes = Buffer.byteLength(body);
  Object.assign(fields, headers, { 'content-length': bytes });
  fields['cache-control'] = principal.kind === 'anonymous' ? 'no-store' : 'private, no-store';
  if (limitFields !== null) writeLimitFields(limitFields, (name, value) => (fields[name] ??= value));
  reply.hijack();
  raw.writeHead(status, fields);
  endAtOnce(raw, body, bytes);
}
