import type { FastifyInstance } from 'fastify';
import { METRICS_CONTENT_TYPE } from '../metrics/metrics.js';
import { isPlatform } from '../../core/keys/actor.js';
import { unauthenticated } from '../../core/auth/authenticator.js';
import { Refusal, unavailable } from '../../core/errors/refusal.js';
import { PLATFORM } from '../../core/scopes/grammar.js';
import type { AuthenticationHook } from './authentication.js';

/** Returns the metrics of the installation as text, in the exposition format of Prometheus. */
export type Scrape = () => Promise<string>;

/**
 * Serves GET /metrics on the public address, for keys with the scope `platform`: only the operator may see the activity
 * of all tenants. Costs nothing, so that metrics are available even if all other requests are refused.
 */
export function metricsRoute(app: FastifyInstance, scrape: Scrape, authenticate: AuthenticationHook): void {
  app.get('/metrics', { onRequest: authenticate }, async ({ principal }, reply) => {
    if (principal.kind === 'anonymous') throw unauthenticated('missing');
    if (!isPlatform(principal)) {
      throw new Refusal(
        'Metrics require a key with the scope platform. Send ADMIN_API_KEY, or set METRICS_PORT to serve them on a separate port.',
        { code: 'FORBIDDEN', missing: [PLATFORM], fields: [] },
      );
    }
    const text = await scrape().catch((cause: unknown) => {
      throw unavailable('Metrics are not available at the moment. Try again in 1 s.', 1, cause);
    });
    return reply.type(METRICS_CONTENT_TYPE).send(text);
  });
}
