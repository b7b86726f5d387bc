// Retries requests that were rate limited.
import { setTimeout as sleep } from 'node:timers/promises';

/** In seconds. */
const LONGEST_WAIT = 60;

/**
 * Sends a request until the status is not 429. Waits Retry-After seconds; after each further 429, twice as long as before, or Retry-After
 * if that is longer. Never waits more than 60 seconds at a time.
 *
 * @param {() => Promise<Response>} send
 * @param {{ tries?: number, wait?: (seconds: number) => Promise<unknown> }} [options] `tries` requests at most
 * @returns {Promise<Response>} the last response; its status is 429 if all attempts were rate limited
 */
export async function retrying(send, { tries = 10, wait = (seconds) => sleep(seconds * 1000) } = {}) {
  let waited = 0;
  for (;;) {
    const response = await send();
    tries -= 1;
    if (response.status !== 429 || tries <= 0) return response;
    await response.body?.cancel();
    waited = Math.min(Math.max(Number(response.headers.get('retry-after')), 2 * waited, 1), LONGEST_WAIT);
    await wait(waited);
  }
}
