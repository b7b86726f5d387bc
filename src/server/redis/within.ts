import { deadline } from '../../core/util/deadline.js';

/**
 * Returns a promise for `answer` that rejects after `ms`. The commandTimeout of ioredis would mistake a delay of this
 * process for a delay of Redis.
 */
export function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = deadline(ms, () => reject(new Error(`no answer within ${ms} ms`)));
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
