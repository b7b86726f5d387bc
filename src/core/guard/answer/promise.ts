/** Returns whether graphql-js waits for a value. It also waits for functions that have a `then`. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function';
}
