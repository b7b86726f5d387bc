export type MaybePromise<T> = T | Promise<T>;

export type Done = (error: Error | null, payload?: never) => void;

/** Runs a hook of Fastify that may return a promise. An async function would always create some. */
export function calling(done: Done, run: () => unknown): void {
  let payload: unknown;
  try {
    payload = run();
  } catch (error) {
    done(error as Error);
    return;
  }
  if (payload instanceof Promise) payload.then((late) => done(null, late as never), done);
  else done(null, payload as never);
}

/** Returns the hooks of a route as a list. */
export function listOf(hooks: unknown): readonly unknown[] {
  return hooks === undefined ? [] : [hooks].flat();
}
