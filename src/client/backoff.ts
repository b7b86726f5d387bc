/** No wait is longer, in ms, but one that the server asks for and the caller has taken. */
export const LONGEST_WAIT = 60_000;

/** The wait after so many failures in a row, in ms: doubled each time, and of random length, so that not all come at once. */
export function backoff(failures: number, first: number, random: () => number = Math.random): number {
  const most = Math.min(LONGEST_WAIT, first * 2 ** Math.min(failures, 30));
  return most / 2 + (most / 2) * random();
}

/**
 * The wait after a 429, in ms: what the server asks for, and at least twice the last one, up to a minute. Null: it asks for
 * more than that, which is for the caller to decide.
 * @param retryAfter seconds @param last the wait before; 0: none
 */
export function afterLimit(retryAfter: number, last: number): number | null {
  const asked = retryAfter * 1000;
  return asked > LONGEST_WAIT ? null : Math.max(asked, Math.min(LONGEST_WAIT, last * 2));
}
