/** No wait is longer, in ms, but one that the server asks for and the caller has taken. */
export const LONGEST_WAIT = 60_000;

/** The wait after so many failures in a row, in ms: doubled each time, and of random length, so that not all come at once. */
export function backoff(failures: number, first: number, random: () => number = Math.random): number {
  const most = Math.min(LONGEST_WAIT, first * 2 ** Math.min(failures, 30));
  return most / 2 + (most / 2) * random();
}

/**
 * Returns the wait after a 429, in ms: what the server asks for, and from the second 429 in a row on at least 2, 4, 8 … s, of random
 * length, so that those who were refused together do not come back together. null: the server asks for more than a minute, which is
 * for the caller to decide.
 *
 * @param retryAfter seconds @param refusals how often the request was refused before @param longest ms, unless the server asks for more
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
