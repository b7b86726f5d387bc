import type { FastifyInstance, FastifyRequest } from 'fastify';
import { rowOf, type TierTable } from '../../core/limits/tiers.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { BodyFault } from './bodyEncoding.js';
import { BODY_TIME, MAX_BODY_BYTES, MAX_UNFINISHED_BYTES } from '../../core/guard/document/documentBounds.js';
import { UnfinishedBodies, type Progress, type Sender } from './unfinishedBodies.js';
import type { Verdicts } from '../../management/verdicts.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The maximum time for a body of multipart/form-data, in ms. Default: the limit of other bodies. */
    readonly uploadTime?: number;
  }
}

/** Minimum number of unfinished bodies that a caller may have: a tier's burst limits operations. */
const LEAST = 8;

interface CountBodiesOptions {
  readonly limiter: { readonly tiers: TierTable };
  readonly verdicts: Pick<Verdicts, 'refused'>;
  /** Default: with the service's limits. */
  readonly bodies?: UnfinishedBodies;
}

/**
 * Counts bodies on every route, from the first read until they are complete. The response to a refused
 * request is sent without reading its body, and the connection is closed. Add this before the hooks that read bodies.
 */
export function countBodies(app: FastifyInstance, options: CountBodiesOptions): void {
  const { limiter, verdicts } = options;
  const { bodies = new UnfinishedBodies({ maxBytes: MAX_UNFINISHED_BYTES, time: BODY_TIME }) } = options;
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { raw } = request;
    // A body that arrived during authentication takes no more time.
    if (raw.complete || !hasBody(request)) {
      done(null, payload);
      return;
    }
    const sender = senderOf(request, limiter.tiers);
    const progress = progressOf(request);
    const taken = bodies.take({
      sender,
      request: raw,
      response: reply.raw,
      bytes: bytesOf(request),
      ...(progress !== null && { progress }),
      refuse: (reason) => {
        if (raw.destroyed || reply.sent) return;
        // The response was already sent without reading the body.
        if (raw.listenerCount('error') === 0) {
          raw.destroy();
          return;
        }
        // The reader of the body treats this error as the end of the body, and responds.
        reply.header('connection', 'close');
        raw.emit('error', reason === 'slow' ? tooSlow(progress) : refused(request, crowded()));
      },
    });
    if (taken === null) {
      done(null, payload);
      return;
    }
    reply.header('connection', 'close');
    done(refused(request, taken === 'many' ? tooMany(sender.most) : crowded()));
  });

  function refused({ principal }: FastifyRequest, refusal: Refusal): Refusal {
    verdicts.refused(principal, refusal);
    return refusal;
  }
}

function tooSlow(progress: Progress | null): BodyFault {
  const time = progress?.time ?? BODY_TIME;
  return new BodyFault(
    408,
    progress === null
      ? `The body did not arrive within ${time / 1000} s. Send it faster, or send less in one request.`
      : `The upload stopped, or did not arrive within ${time / 1000} s. Send it faster, or send less in one request.`,
  );
}

/** Returns how much of an upload has arrived; null if the body is not an upload. */
function progressOf({ routeOptions, headers, raw }: FastifyRequest): Progress | null {
  const { uploadTime } = routeOptions.config;
  if (uploadTime === undefined || !/^\s*multipart\/form-data\b/i.test(headers['content-type'] ?? '')) return null;
  return { bytes: () => raw.socket.bytesRead, isPaused: () => raw.isPaused(), time: uploadTime };
}

function tooMany(limit: number): Refusal {
  return new Refusal(
    `Too many requests are waiting for their bodies: at most ${limit} at once. Finish those first, then send this one again.`,
    { code: 'RATE_LIMITED', retryAfter: 1, limit, window: BODY_TIME / 1000 },
  );
}

function crowded(): Refusal {
  return unavailable('Too many request bodies are still arriving. Try again shortly.', 1);
}

function senderOf({ principal, caller }: FastifyRequest, tiers: TierTable): Sender {
  if (principal.kind === 'anonymous') {
    const id = `network ${principal.network ?? caller.address}`;
    return { id, group: id, most: Math.max(LEAST, tiers.ANONYMOUS.burst) };
  }
  const { familyId, workspaceId, tier } = principal;
  return {
    id: `family ${familyId}`,
    group: `workspace ${workspaceId}`,
    most: Math.max(LEAST, rowOf(tiers, tier).burst),
  };
}

/** Fastify does not read the bodies of GET and HEAD. */
function hasBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The maximum number of bytes that will be kept of the body. */
function bytesOf({ headers }: FastifyRequest): number {
  const length = headers['content-length'];
  return length === undefined ? MAX_BODY_BYTES : Math.min(Number(length), MAX_BODY_BYTES);
}
