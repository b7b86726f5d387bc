import type { FastifyInstance } from 'fastify';
import { StoreUnavailable } from '../../core/store/storeErrors.js';
import type { Store } from '../../core/store/store.js';
import { shown } from '../../shared/optionChecks.js';
import type { Connections } from './connections.js';

/** Orchestrators probe a process over plain HTTP, without a key. */
const PROBE = { config: { plainHttp: true } } as const;

/** The number of unknown tiers that /readyz names. */
const MAX_NAMED = 3;

/** Whether shared limits can be counted. */
export interface Sharing {
  readonly isOpen: boolean;
  /** The problem, without secrets; null if there is none. */
  readonly reason: string | null;
}

interface HealthOptions {
  readonly store: Pick<Store, 'ping'>;
  /** Whether limits are counted in Redis. If they are not, requests are refused, so the process isn't ready. */
  readonly sharing: Sharing | null;
  readonly connections: Pick<Connections, 'isLeaving'>;
  /** How the schema of a gateway's upstream differs; null if it doesn't, or there is no gateway. */
  readonly drift: () => string | null;
  /** The tiers of stored workspaces that are not defined. */
  readonly unknownTiers: () => readonly string[];
}

/**
 * Adds /healthz, which succeeds while the process runs, and /readyz, which succeeds while the store and Redis respond
 * and the server isn't stopping. Neither needs a key.
 */
export function healthRoutes(
  app: FastifyInstance,
  { store, sharing, connections, drift, unknownTiers }: HealthOptions,
): void {
  // These routes are public, so concurrent requests share one ping of the store.
  let asked: Promise<void> | null = null;
  const ping = (): Promise<void> => (asked ??= store.ping().finally(() => (asked = null)));
  app.get('/healthz', PROBE, async () => ({ status: 'ok' }));
  app.get('/readyz', PROBE, async (_request, reply) => {
    if (connections.isLeaving) return reply.code(503).header('retry-after', '1').send({ status: 'stopping' });
    try {
      await ping();
      if (sharing?.isOpen === false) {
        return await reply
          .code(503)
          .header('retry-after', '1')
          .send({ status: sharing.reason ?? 'Redis does not answer.' });
      }
      const schema = drift();
      const unknown = unknownTiers();
      // Not reasons to stop serving: what the gateway knows still works, and nothing else is open. A workspace with an
      // unknown tier has the smallest one.
      return {
        status: 'ready',
        ...(sharing?.reason != null && { limits: sharing.reason }),
        ...(schema !== null && { schema }),
        ...(unknown.length > 0 && { tiers: unknownInWords(unknown) }),
      };
    } catch (error) {
      const status = error instanceof StoreUnavailable ? error.reason : 'the store does not answer';
      return reply.code(503).header('retry-after', '1').send({ status });
    }
  });
}

function unknownInWords(tiers: readonly string[]): string {
  const more = tiers.length > MAX_NAMED ? ` and ${tiers.length - MAX_NAMED} more` : '';
  return `Stored workspaces have tiers that are not defined: ${tiers.slice(0, MAX_NAMED).map(shown).join(', ')}${more}.`;
}
