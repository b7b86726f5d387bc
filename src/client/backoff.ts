/** The longest wait that the client chooses, in ms. The server may ask for a longer one. */
export const LONGEST_WAIT = 60_000;

/**
 * Returns the wait after a number of consecutive failures, in ms. It doubles with each failure, and has random jitter
 * so that clients do not retry at the same time.
 */
export function backoff(failures: number, first: number, random: () => number = Math.random): number {
  const most = Math.min(LONGEST_WAIT, first * 2 ** Math.min(failures, 30));
  return most / 2 + (most / 2) * random();
}

/**
 * Returns the wait after a 429 response, in ms: the time in Retry-After. From the second 429 in a row it is at least 2,
 * 4, 8 … seconds, with random jitter, so that callers that were rejected together do not retry together.
 *
 * @param retryAfter in seconds
 * @param refusals how often the request was rejected before
 * @param longest in ms; a longer Retry-After still applies
 * @returns null if Retry-After is longer than a minute: the caller decides whether to wait
 */
export function afterLimit(
  retryAfter: number,
  refusals: number,
  longest = LONGEST_WAIT,
  random: () => number = Math.random,
): number | null {
  const asked = retryAfter * 1000;
  if (asked > LONGEST_WAIT) return null;
  if (refusals === 0) return asked;
  const least = Math.min(longest, 1000 * 2 ** Math.min(refusals, 30));
  return Math.max(asked, Math.min(longest, least * (1 + random() / 2)));
}
