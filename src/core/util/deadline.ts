/**
 * Calls `late` after a time in milliseconds, unless the timer is cleared. Input that has arrived by then is read first, so that
 * a busy process doesn't mistake its own delay for a missing response.
 *
 * @param late must do nothing if the response has arrived by now
 */
export function deadline(ms: number, late: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(late), ms);
}
