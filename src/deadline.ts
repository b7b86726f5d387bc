/**
 * Calls `late` after so many ms, unless the timer is cleared or what was waited for has come. What has arrived by then is read
 * first: a process that was busy for longer than that must not take its own delay for another's.
 *
 * @param late must do nothing where the answer came after all
 */
export function deadline(ms: number, late: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(late), ms);
}
