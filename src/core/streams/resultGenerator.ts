export type Step = IteratorResult<object, undefined>;

export const DONE: Step = Object.freeze({ done: true, value: undefined });

/** Results for a server that reads them itself. The methods here follow from `return`. */
export abstract class ResultGenerator implements AsyncGenerator<object, undefined, undefined> {
  abstract next(): Promise<Step>;
  abstract return(): Promise<Step>;

  async throw(error: unknown): Promise<Step> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
