import DataLoader from 'dataloader';

/**
 * Reads rows by name for one request: names that are requested at once in one read, and each name once. A row that has
 * arrived is returned without a promise, because a query can request it under many aliases.
 */
export class Remembered<Row> {
  readonly #known = new Map<string, Row | Promise<Row>>();
  readonly #loader: DataLoader<string, Row>;

  /** @param read returns the rows, or errors, in the order of the names */
  constructor(
    read: (names: readonly string[]) => Promise<readonly (Row | Error)[]>,
    options: { maxBatchSize?: number } = {},
  ) {
    this.#loader = new DataLoader(read, { ...options, cache: false });
  }

  load(name: string): Row | Promise<Row> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const row = this.#loader.load(name);
    this.#known.set(name, row);
    row.then(
      (read) => this.#known.set(name, read),
      () => undefined,
    );
    return row;
  }

  /** Stores a row that was read elsewhere. */
  prime(name: string, row: Row): void {
    this.#known.set(name, row);
  }
}
