import { Counter, type Registry } from 'prom-client';

/** One series of a counter. */
interface Tally {
  n: number;
}

/**
 * A counter whose series are plain numbers until they are read. An increment with prom-client's counter formats the
 * labels each time, which takes a microsecond of every request.
 */
export class Tallies {
  readonly #series = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly tally: Tally }>();

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[] = []) {
    const series = this.#series;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, tally } of series.values()) this.inc(labels, tally.n);
      },
    });
  }

  /**
   * Adds a series with these labels, which is shown from now on, even at 0: if a series started at 1, its first event
   * would be missing in a rate.
   */
  of(labels: Readonly<Record<string, string>>): Tally {
    const name = JSON.stringify(labels);
    const known = this.#series.get(name);
    if (known !== undefined) return known.tally;
    const tally = { n: 0 };
    this.#series.set(name, { labels, tally });
    return tally;
  }

  /** Adds a series for each value of one label. */
  by<const Value extends string>(label: string, values: readonly Value[]): Readonly<Record<Value, Tally>> {
    const series = Object.create(null) as Record<Value, Tally>;
    for (const value of values) series[value] = this.of({ [label]: value });
    return series;
  }
}

/** Returns values by name, each created at its first use. */
export class Lazy<Key, Value> {
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
