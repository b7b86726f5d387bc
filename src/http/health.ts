import type { FastifyInstance } from 'fastify';
import { StoreUnavailable } from '../store/errors.js';
import type { Store } from '../store/store.js';
import type { Connections } from './connections.js';

/** Orchestrators probe a process over plain HTTP, without a key. */
const PROBE = { config: { plainHttp: true } } as const;

export interface HealthOptions {
  readonly store: Pick<Store, 'ping'>;
  /**
   * Whether this process counts limits without the others. It is ready all the same: an outage of Redis must not become one
   * of the API.
   */
  readonly sharing: { readonly alone: boolean } | null;
  readonly connections: Pick<Connections, 'isLeaving'>;
}

/**
 * Adds /healthz, which answers while the process lives, and /readyz, which succeeds while the store answers and the server
 * isn't stopping. Neither needs a key.
 */
export function healthRoutes(app: FastifyInstance, { store, sharing, connections }: HealthOptions): void {
  // Anybody may ask, so that however many do, the store is asked once at a time.
  let asked: Promise<void> | null = null;
  const ping = (): Promise<void> => (asked ??= store.ping().finally(() => (asked = null)));
  app.get('/healthz', PROBE, async () => ({ status: 'ok' }));
  app.get('/readyz', PROBE, async (_request, reply) => {
    if (connections.isLeaving) return reply.code(503).header('retry-after', '1').send({ status: 'stopping' });
    try {
      await ping();
      return { status: 'ready', ...(sharing?.alone === true && { limits: 'alone: Redis does not answer' }) };
    } catch (error) {
      const status = error instanceof StoreUnavailable ? error.reason : 'the store does not answer';
      return reply.code(503).header('retry-after', '1').send({ status });
    }
  });
}
