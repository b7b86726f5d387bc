/** Closes resources at the end, last opened first, even if a later start failed. */
export class Closing {
  readonly #all: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#all.push(close);
  }

  async close(): Promise<void> {
    for (const one of this.#all.splice(0).reverse()) await one();
  }
}
