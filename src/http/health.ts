import type { FastifyInstance } from 'fastify';
import type { Store } from '../store/store.js';

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
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await store.ping();
      return { status: 'ready', ...(sharing?.alone === true && { limits: 'alone: Redis does not answer' }) };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'the store does not answer' });
    }
  });
}
