import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { BcryptCounts } from '../../core/keys/bcryptGate.js';
import { PUBLISHED_TIERS } from '../../core/limits/tierNames.js';
import type { Tier } from '../../core/store/records.js';
import { countInto } from './counting.js';
import type { StoreState } from '../../core/store/breaker.js';
import type { Observer } from '../../core/observer/observer.js';

/** The content type of {@link Metrics.text}. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** The counts of one process as plain data, to be sent to another process. */
export type MetricsSnapshot = readonly object[];

/**
 * The metrics of the process, such as its memory. All services of a process share them: prom-client starts an observer of garbage
 * collection and one of the event loop for them, and neither can be stopped.
 */
let processRegistry: Registry | null = null;

function ofProcess(): Registry {
  if (processRegistry === null) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

/** The part of a gateway that metrics read. */
interface WatchedGateway {
  readonly upstream: { readonly underWay: number };
  readonly drift: {
    readonly drift: Readonly<Record<'added' | 'removed' | 'changed' | 'undecided', readonly string[]>>;
  };
}

/**
 * The Prometheus metrics of this process. They have their own registry, because the global one may belong to another
 * library.
 */
export class Metrics {
  readonly observer: Observer;
  readonly #registry = new Registry();

  /** @param tiers the tiers whose series exist from the start. Default: the published ones */
  constructor(tiers: readonly Tier[] = PUBLISHED_TIERS) {
    this.observer = countInto(this.#registry, tiers);
    // Counts from the start.
    ofProcess();
  }

  /** Adds the counts of bcrypt, which are read when the metrics are. Call it once. */
  watchBcrypt(read: () => BcryptCounts): void {
    const registers = [this.#registry];
    new Counter({
      name: 'latchkey_bcrypt_runs_total',
      help: 'Runs of bcrypt, by purpose.',
      labelNames: ['purpose'],
      registers,
      collect() {
        this.reset();
        this.inc({ purpose: 'hash' }, read().hashes);
        this.inc({ purpose: 'compare' }, read().comparisons);
      },
    });
    this.#watch(
      'latchkey_bcrypt_shed_total',
      'Runs of bcrypt that were rejected because too many were waiting.',
      () => {
        return read().shed;
      },
    );
    new Gauge({
      name: 'latchkey_bcrypt_waiting',
      help: 'Runs of bcrypt that are waiting for a core.',
      registers,
      collect() {
        this.set(read().waiting);
      },
    });
  }

  /** Adds the counts of usage that could not be written, or are not written yet, which are read when the metrics are. Call it once. */
  watchUsage(usage: { readonly dropped: number; readonly pendingBytes: number }): void {
    this.#watch('latchkey_usage_dropped_total', 'Requests that are missing in the usage of their keys.', () => {
      return usage.dropped;
    });
    new Gauge({
      name: 'latchkey_usage_pending_bytes',
      help: 'Estimated memory of usage that is not written to the store yet.',
      registers: [this.#registry],
      collect() {
        this.set(usage.pendingBytes);
      },
    });
  }

  /** Adds the number of ended keys that were removed, which is read when the metrics are. Call it once. */
  watchEndedKeys(removed: () => number): void {
    this.#watch('latchkey_ended_keys_removed_total', 'Ended keys that were removed from the store.', removed);
  }

  /** Adds the number of unknown tiers in the store, which is read when the metrics are. Call it once. */
  watchUnknownTiers(count: () => number): void {
    new Gauge({
      name: 'latchkey_unknown_tiers',
      help: 'Tiers of stored workspaces that are not defined, as far as they were read since the tiers were loaded.',
      registers: [this.#registry],
      // Each process reads its own part of the store.
      aggregator: 'max',
      collect() {
        this.set(count());
      },
    });
  }

  /** Adds the state of the store, which is read when the metrics are. Call it once. */
  watchStore(state: () => StoreState): void {
    const name = 'latchkey_store_available';
    const help = '1 if the store accepts reads or changes, else 0.';
    new Gauge({
      name,
      help,
      labelNames: ['for'],
      registers: [this.#registry],
      // An operator must know if even one process has lost the store.
      aggregator: 'min',
      collect() {
        this.set({ for: 'reads' }, state() === 'away' ? 0 : 1);
        this.set({ for: 'changes' }, state() === 'available' ? 1 : 0);
      },
    });
  }

  /** Adds the state of a gateway, which is read when the metrics are. Call it once. */
  watchGateway(gateway: WatchedGateway): void {
    new Gauge({
      name: 'latchkey_upstream_requests',
      help: 'Requests to the upstream that are being processed.',
      registers: [this.#registry],
      collect() {
        this.set(gateway.upstream.underWay);
      },
    });
    new Gauge({
      name: 'latchkey_upstream_schema_differences',
      help: 'Types, fields and values of the upstream that the gateway does not know, or knows differently.',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect() {
        for (const [kind, names] of Object.entries(gateway.drift.drift)) this.set({ kind }, names.length);
      },
    });
  }

  /** Adds the number of responses of the upstream. Call it once. @returns counts one */
  countUpstream(): (outcome: string) => void {
    const counter = new Counter({
      name: 'latchkey_upstream_responses_total',
      help: 'Requests to the upstream, by result.',
      labelNames: ['outcome'],
      registers: [this.#registry],
    });
    const series = new Map(
      ['answered', 'unreachable', 'invalid', 'timeout', 'cancelled'].map((outcome) => [
        outcome,
        counter.labels({ outcome }),
      ]),
    );
    for (const each of series.values()) each.inc(0);
    return (outcome) => series.get(outcome)?.inc();
  }

  /** Adds the number of open streams, which is read when the metrics are. Call it once. */
  watchStreams(open: () => number): void {
    new Gauge({
      name: 'latchkey_streams_open',
      help: 'Streams that are open or being opened.',
      registers: [this.#registry],
      collect() {
        this.set(open());
      },
    });
  }

  /** Adds the numbers of connections, which are read when the metrics are. Call it once. */
  watchConnections(connections: {
    readonly size: number;
    readonly refused: number;
    readonly unread: { readonly closed: number };
  }): void {
    new Gauge({
      name: 'latchkey_connections_open',
      help: 'Open connections, including streams.',
      registers: [this.#registry],
      collect() {
        this.set(connections.size);
      },
    });
    this.#watch(
      'latchkey_connections_refused_total',
      'Connections that were closed because too many were open.',
      () => {
        return connections.refused;
      },
    );
    this.#watch(
      'latchkey_connections_stalled_total',
      'Connections that were closed because their clients did not read responses.',
      () => {
        return connections.unread.closed;
      },
    );
  }

  /** Returns the metrics in the exposition format of Prometheus. */
  async text(): Promise<string> {
    return this.#all().metrics();
  }

  /** Returns the counts for a process that collects those of several: see {@link aggregated}. */
  async snapshot(): Promise<MetricsSnapshot> {
    return this.#all().getMetricsAsJSON();
  }

  #all(): Registry {
    return Registry.merge([this.#registry, ofProcess()]);
  }

  #watch(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}

/**
 * Combines the counts of several processes into one text. Adds up counters, and combines gauges according to their
 * kind.
 */
export async function aggregated(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics();
}
