import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { BcryptCounts } from '../keys/bcryptGate.js';
import { countInto } from './counting.js';
import type { StoreState } from '../store/breaker.js';
import type { Observer } from './observer.js';

/** The content type of {@link Metrics.text}. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** What one process counted, as it travels between processes: plain data. */
export type MetricsSnapshot = readonly object[];

/** Prometheus metrics of this process, in a registry of their own: another library's global one is none of ours. */
export class Metrics {
  readonly observer: Observer;
  readonly #registry = new Registry();

  constructor() {
    this.observer = countInto(this.#registry);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Has bcrypt's counts read whenever metrics are asked for. To be called once. */
  watchBcrypt(read: () => BcryptCounts): void {
    const registers = [this.#registry];
    new Counter({
      name: 'latchkey_bcrypt_runs_total',
      help: 'Runs of bcrypt, by what they were for.',
      labelNames: ['purpose'],
      registers,
      collect() {
        this.reset();
        this.inc({ purpose: 'hash' }, read().hashes);
        this.inc({ purpose: 'compare' }, read().comparisons);
      },
    });
    this.#watch('latchkey_bcrypt_shed_total', 'Runs of bcrypt that were turned away because too many waited.', () => {
      return read().shed;
    });
    new Gauge({
      name: 'latchkey_bcrypt_waiting',
      help: 'Runs of bcrypt that wait for a core.',
      registers,
      collect() {
        this.set(read().waiting);
      },
    });
  }

  /** Has the count of uses that could not be written read whenever metrics are asked for. To be called once. */
  watchUsage(dropped: () => number): void {
    this.#watch('latchkey_usage_dropped_total', 'Requests of keys that are missing in their counts of use.', dropped);
  }

  /** Has the state of the store read whenever metrics are asked for. To be called once. */
  watchStore(state: () => StoreState): void {
    const name = 'latchkey_store_available';
    const help = '1 while the store answers (for reads) and takes changes (for changes), else 0.';
    new Gauge({
      name,
      help,
      labelNames: ['for'],
      registers: [this.#registry],
      // One process that has lost the store is what an operator has to know of.
      aggregator: 'min',
      collect() {
        this.set({ for: 'reads' }, state() === 'away' ? 0 : 1);
        this.set({ for: 'changes' }, state() === 'available' ? 1 : 0);
      },
    });
  }

  /** Has the number of open streams read whenever metrics are asked for. To be called once. */
  watchStreams(open: () => number): void {
    new Gauge({
      name: 'latchkey_streams_open',
      help: 'Streams that are open, and those being opened.',
      registers: [this.#registry],
      collect() {
        this.set(open());
      },
    });
  }

  /** Has the numbers of connections read whenever metrics are asked for. To be called once. */
  watchConnections(connections: { readonly size: number; readonly refused: number }): void {
    new Gauge({
      name: 'latchkey_connections_open',
      help: 'Connections that are open, those of streams included.',
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
  }

  /** The exposition format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** For a process that speaks for several: see {@link aggregated}. */
  async snapshot(): Promise<MetricsSnapshot> {
    return this.#registry.getMetricsAsJSON();
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

/** Snapshots of several processes as one text: counts added up, and of gauges what their kind asks for. */
export async function aggregated(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics();
}
