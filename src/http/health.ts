import type { FastifyInstance } from 'fastify';
import type { Store } from '../store/store.js';

/** Orchestrators probe a process over plain HTTP, without a key. */
const PROBE = { config: { plainHttp: true } } as const;

/**
 * /healthz answers while the process lives, /readyz while the store answers. Neither takes a key or tells a detail.
 *
 * @param sharing whether limits are counted alone, where they should be counted with other processes. Ready it is all the
 * same: refusing requests everywhere because Redis is away would be an outage for what is none.
 */
export function healthRoutes(
  app: FastifyInstance,
  store: Pick<Store, 'ping'>,
  sharing: { readonly alone: boolean } | null = null,
): void {
  // Anybody may ask, so that however many do, the store is asked once at a time.
  let asked: Promise<void> | null = null;
  const ping = (): Promise<void> => (asked ??= store.ping().finally(() => (asked = null)));
  app.get('/healthz', PROBE, async () => ({ status: 'ok' }));
  app.get('/readyz', PROBE, async (_request, reply) => {
    try {
      await ping();
      return { status: 'ready', ...(sharing?.alone === true && { limits: 'alone: Redis does not answer' }) };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'the store does not answer' });
    }
  });
}
