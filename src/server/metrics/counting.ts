import { Gauge, type Registry } from 'prom-client';
import type { RefusalCode } from '../../core/errors/refusal.js';
import type { Tier } from '../../core/store/records.js';
import { LOOKUPS, STORE_OUTCOMES, VERIFICATIONS, type Observer } from '../../core/observer/observer.js';
import { countedBy, Durations, type CountedSeries } from './series.js';

/** The series that alerts use exist from the start. */
const SHOWN_CODES = [
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
  'COST_EXCEEDS_BURST',
  'COST_EXCEEDED',
  'FORBIDDEN',
] as const satisfies readonly RefusalCode[];

/**
 * Returns an observer that counts into a registry.
 *
 * @param tiers the tiers whose series exist from the start. Others exist from their first use: tables that replace each
 *   other at reloads have at most {@link MAX_TIERS} each
 */
export function countInto(registry: Registry, tiers: readonly Tier[]): Observer {
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    countedBy(registry, { name, help, labelNames });

  const verified = counter('latchkey_verifications_total', 'Credentials of requests, by result.', ['outcome']);
  const verifications = seriesBy(VERIFICATIONS, (outcome) => verified({ outcome }));
  const lookedUp = counter(
    'latchkey_key_lookups_total',
    'Look-ups of a key: found in the cache (hit), read from the store (miss), or cached as unknown (negative).',
    ['outcome'],
  );
  const lookups = seriesBy(LOOKUPS, (outcome) => lookedUp({ outcome }));
  const admitted = counter(
    'latchkey_admissions_total',
    "Operations that the rate limits admitted, by the key's tier.",
    ['tier'],
  );
  const admissions = new Lazy((tier: Tier) => admitted({ tier }));
  for (const tier of tiers) admissions.get(tier);
  const refusals = counter(
    'latchkey_refusals_total',
    "Operations refused before they ran, by the key's tier (none: no key) and the error code.",
    ['tier', 'code'],
  );
  const refused = new Lazy((tier: string) => new Lazy((code: RefusalCode) => refusals({ tier, code })));
  for (const tier of tiers) for (const code of SHOWN_CODES) refused.get(tier).get(code);

  const storeTime = new Durations<'operation'>(registry, {
    name: 'latchkey_store_operation_duration_seconds',
    help: 'Duration of store operations, successful or not.',
  });
  const storeTimeOf = new Lazy((operation: string) => storeTime.labels({ operation }));
  const storeOperations = counter('latchkey_store_operations_total', 'Store operations, by result.', [
    'operation',
    'outcome',
  ]);
  const storeOperationsOf = new Lazy((operation: string) => {
    const ended = STORE_OUTCOMES.map((outcome) => [outcome, storeOperations({ operation, outcome })] as const);
    return new Map(ended);
  });

  const redisTime = new Durations<never>(registry, {
    name: 'latchkey_redis_request_duration_seconds',
    help: 'Duration of requests to Redis, successful or not.',
  }).labels({});
  const redisFailures = counter('latchkey_redis_failures_total', 'Requests to Redis without a response.', [])({});
  const shared = new Gauge({
    name: 'latchkey_limits_shared',
    help: '1 if limits are counted in one place for all processes, 0 if this process counts by itself or Redis fails.',
    registers: [registry],
    // An operator must know if even one process counts by itself.
    aggregator: 'min',
  });

  const answerTime = new Durations<'route'>(registry, {
    name: 'latchkey_http_request_duration_seconds',
    help: 'Duration of HTTP requests, from the request header to the end of the response, by route.',
  });
  const answers = counter('latchkey_http_requests_total', 'HTTP responses, by route and status.', ['route', 'status']);
  const routes = new Lazy((route: string) => ({
    time: answerTime.labels({ route }),
    statuses: new Lazy((status: number) => answers({ route, status: String(status) })),
  }));

  return {
    verified: (outcome) => verifications[outcome].inc(),
    lookedUp: (outcome) => lookups[outcome].inc(),
    admitted: (tier) => admissions.get(tier).inc(),
    refused: (tier, code) =>
      refused
        .get(tier ?? 'none')
        .get(code)
        .inc(),
    storeAnswered(operation, ms, outcome) {
      storeTimeOf.get(operation).observe(ms);
      storeOperationsOf.get(operation).get(outcome)?.inc();
    },
    redisAnswered(ms, ok) {
      redisTime.observe(ms);
      if (!ok) redisFailures.inc();
    },
    limitsShared: (whether) => shared.set(whether ? 1 : 0),
    requestAnswered(route, status, ms) {
      const { time, statuses } = routes.get(route);
      time.observe(ms);
      statuses.get(status).inc();
    },
  };
}

/** Returns the series of each value. */
function seriesBy<Value extends string>(
  values: readonly Value[],
  make: (value: Value) => CountedSeries,
): Readonly<Record<Value, CountedSeries>> {
  return Object.fromEntries(values.map((value) => [value, make(value)])) as Record<Value, CountedSeries>;
}

/** Returns values by name, each created at its first use. */
class Lazy<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #make: (key: Key) => Value;

  constructor(make: (key: Key) => Value) {
    this.#make = make;
  }

  get(key: Key): Value {
    let value = this.#values.get(key);
    if (value === undefined) this.#values.set(key, (value = this.#make(key)));
    return value;
  }
}
