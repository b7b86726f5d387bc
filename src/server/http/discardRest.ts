import type { IncomingMessage } from 'node:http';

/** Reads and discards what has not been read of a request. Resolves when it has arrived, or after `ms`. Never rejects. */
export function discardRest(request: IncomingMessage, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      request.off('end', done).off('error', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    request.once('end', done).once('error', done).once('close', done).resume();
  });
}
