/**
 * What `answer` becomes, or a rejection after `ms`. What has arrived by then is read first: a process that was busy for
 * longer than that must not take its own delay for Redis's. A command's own timeout in ioredis would.
 */
export function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${ms} ms`));
    const timer = setTimeout(() => setImmediate(late), ms);
    answer.then(
      (given) => {
        clearTimeout(timer);
        resolve(given);
      },
      (error: unknown) => {
        clearTimeout(timer);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- Passed on as it came.
        reject(error);
      },
    );
  });
}
