import { Counter, type Histogram, type Registry } from 'prom-client';

type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** The name, description and labels of a metric. */
interface MetricOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
}

/**
 * One series of a counter. It counts in a field until the metrics are read: prom-client finds a series by a text of its labels at
 * each increment, and a request increments four of them.
 */
export class CountedSeries {
  readonly #series: Counter.Internal;
  #pending = 0;

  constructor(series: Counter.Internal) {
    this.#series = series;
    // Shown from now on, even at 0: if a series started at 1, its first event would be missing in a rate.
    series.inc(0);
  }

  inc(): void {
    this.#pending += 1;
  }

  /** Adds what was counted to the counter. */
  settle(): void {
    this.#series.inc(this.#pending);
    this.#pending = 0;
  }
}

/** Creates a counter in a registry. @returns creates the series of some labels */
export function countedBy<Label extends string>(
  registry: Registry,
  { name, help, labelNames }: MetricOptions<Label>,
): (labels: Labels<Label>) => CountedSeries {
  const created: CountedSeries[] = [];
  const counter = new Counter({
    ...{ name, help, labelNames, registers: [registry] },
    collect() {
      for (const series of created) series.settle();
    },
  });
  return (labels) => {
    const series = new CountedSeries(counter.labels(labels));
    created.push(series);
    return series;
  };
}

/**
 * Upper bounds of the buckets of durations, in seconds. A response from memory takes a millisecond; an unavailable store takes several
 * seconds.
 */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BOUNDS_MS = BUCKETS.map((seconds) => seconds * 1000);

/** One series of a histogram. */
class DurationSeries {
  /** The number of durations in each bucket, without those of the buckets before. The last one has no upper bound. */
  readonly counts = Array.from({ length: BUCKETS.length + 1 }, () => 0);
  sumMs = 0;

  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumMs += ms;
  }
}

/** A value of a histogram, as prom-client's registry reads it. */
interface Value {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A histogram of durations. Unlike prom-client's histogram, it looks up the series when it is created and finds the bucket without building
 * a text, because each request is observed.
 */
export class Durations<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #series: { readonly labels: Labels<Label>; readonly series: DurationSeries }[] = [];

  constructor(registry: Registry, { name, help }: Omit<MetricOptions<Label>, 'labelNames'>) {
    this.name = name;
    this.help = help;
    // The registry only reads these fields and calls `get`. Its type names prom-client's own classes.
    registry.registerMetric(this as unknown as Histogram);
  }

  /** Creates the series of some labels. Call it once for them. */
  labels(labels: Labels<Label>): DurationSeries {
    const series = new DurationSeries();
    this.#series.push({ labels, series });
    return series;
  }

  /** Returns the state in the form that prom-client's registry reads and combines. */
  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#series.flatMap((each) => this.#valuesOf(each)) };
  }

  #valuesOf({ labels, series }: { readonly labels: Labels<Label>; readonly series: DurationSeries }): Value[] {
    let count = 0;
    const buckets = [...BUCKETS, '+Inf'].map((le, i): Value => {
      count += series.counts[i] ?? 0;
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: series.sumMs / 1000 },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
