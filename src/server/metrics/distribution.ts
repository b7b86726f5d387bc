import type { Registry } from 'prom-client';

/** One series of a distribution. */
interface Series {
  /**
   * Adds an observation.
   *
   * @param value in the metric's unit
   */
  observe(value: number): void;
}

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName: string;
}

/**
 * A histogram that counts in plain arrays until it is read. An observation with prom-client's histogram takes
 * microseconds of every request. See {@link import('./tally.js').Tallies}.
 */
export class Distribution {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #buckets: readonly number[];
  readonly #series: { readonly labels: Readonly<Record<string, string>>; readonly counted: Counted }[] = [];

  /** @param buckets the upper bounds in ascending order */
  constructor(registry: Registry, name: string, help: string, buckets: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#buckets = buckets;
    registry.registerMetric(this as never);
  }

  /** Adds a series with these labels, which is shown from now on. Call it once per series. */
  of(labels: Readonly<Record<string, string>>): Series {
    const counted = new Counted(this.#buckets);
    this.#series.push({ labels, counted });
    return counted;
  }

  /** Called by the registry. */
  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#series.flatMap((series) => this.#samplesOf(series)) };
  }

  #samplesOf({ labels, counted: { counts, sum } }: { labels: Sample['labels']; counted: Counted }): Sample[] {
    const metricName = `${this.name}_bucket`;
    let count = 0;
    const samples: Sample[] = [];
    for (const [i, le] of [...this.#buckets, '+Inf'].entries()) {
      count += counts[i] ?? 0;
      samples.push({ labels: { le, ...labels }, value: count, metricName });
    }
    samples.push({ labels, value: sum, metricName: `${this.name}_sum` });
    samples.push({ labels, value: count, metricName: `${this.name}_count` });
    return samples;
  }
}

class Counted implements Series {
  readonly counts: Float64Array;
  sum = 0;
  readonly #buckets: readonly number[];

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}
