import { makeExecutableSchema } from '@graphql-tools/schema';
import { pino } from 'pino';
import { createServer } from '../../build/server/http/server.js';
import { assemble } from '../../build/assembly/assembly.js';
import { ANSWER_LIMITS } from '../../build/core/guard/answer/answerLimits.js';
import { Limiter } from '../../build/core/limits/limiter.js';
import { TIER_LIMITS, tiersIn } from '../../build/core/limits/tiers.js';
import { tierTable } from '../../build/core/limits/tierTable.js';
import { Metrics } from '../../build/server/metrics/metrics.js';
import { OpenStreams } from '../../build/core/streams/openStreams.js';
import { openSettledStore } from './settledStore.js';
import { shopResolvers, shopTypeDefs } from './shop.js';

/** One silent logger for all servers that are compared. */
export const silent = pino({ level: 'silent' });

export const PEPPER = 'a-pepper-for-measurements-of-32-characters';

/**
 * Windows are kept and counted as usual, but nothing is refused, because a measurement sends more requests than any
 * tier allows.
 */
const UNBOUND = { keys: null, rate: 1e9, burst: 1e9 };
export const UNBOUND_TIERS = unboundTiers();

/** @param {Record<string, object>} [others] limits of tiers that do refuse requests */
export function unboundTiers(others = {}) {
  return tierTable(Object.fromEntries(tiersIn(TIER_LIMITS).map((tier) => [tier, { ...UNBOUND, ...others[tier] }])));
}

/** @param {{ dataDir: string, mongodbUri?: string | null }} address @param {object} [options] of createLatchkey */
export async function openLatchkey({ dataDir, mongodbUri = null }, options = {}) {
  const store = await openSettledStore({ dataDir, mongodbUri });
  const latchkey = await assemble({
    store,
    peppers: [PEPPER],
    limits: new Limiter({ tiers: UNBOUND_TIERS }),
    log: () => {},
    ...options,
  });
  return { store, latchkey };
}

/**
 * Starts Latchkey's own server with the shop as its domain.
 *
 * @param {Parameters<typeof openLatchkey>[0]} address
 * @param {{ trustProxy?: readonly string[] } & Record<string, unknown>} [options] of createLatchkey, and one of the server
 */
export async function shopServer(address, { trustProxy = [], ...options } = {}) {
  // With metrics, like the service.
  const { observer } = new Metrics();
  const { store, latchkey } = await openLatchkey(address, { observer, ...options });
  const schema = guardedShop(latchkey);
  const settings = {
    ...{ trustProxy, requireHttps: false, corsOrigins: [], introspection: 'authenticated' },
    ...{ answer: ANSWER_LIMITS, authAudiences: [] },
  };
  const app = await createServer({
    latchkey,
    schema,
    store,
    settings,
    streams: new OpenStreams({ tiers: UNBOUND_TIERS, max: 1 }),
    logger: silent,
    observer,
    scrape: null,
    tracing: null,
  });
  return { app, latchkey, store };
}

/** The shop's schema, guarded. */
export function guardedShop(latchkey) {
  const guard = (scope) => `@auth(scope: "${scope}")`;
  return latchkey.guard(
    makeExecutableSchema({
      typeDefs: [latchkey.typeDefs, shopTypeDefs(guard).replace('type Query', 'extend type Query')],
      resolvers: [latchkey.resolvers, shopResolvers],
    }),
  );
}

/** A request as Node hands it on. @param {string} token */
export function sourceOf(token) {
  const authorization = `Bearer ${token}`;
  return {
    headers: { host: '127.0.0.1', 'content-type': 'application/json', authorization },
    rawHeaders: ['Host', '127.0.0.1', 'Content-Type', 'application/json', 'Authorization', authorization],
  };
}
