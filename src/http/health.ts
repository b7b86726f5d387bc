import type { FastifyInstance } from 'fastify';
import type { Store } from '../store/store.js';

/** /healthz answers while the process lives, /readyz while the store answers. Neither takes a key or tells a detail. */
export function healthRoutes(app: FastifyInstance, store: Pick<Store, 'ping'>): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await store.ping();
      return { status: 'ready' };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'the store does not answer' });
    }
  });
}
