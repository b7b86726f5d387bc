import { deadline } from '../deadline.js';

/**
 * What `answer` becomes, or a rejection after `ms`. A command's own timeout in ioredis would take this process's delay for
 * Redis's.
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
