/** Moments for people: in the viewer's own zone, short, and the same on every page. */

const WHOLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const ELAPSED = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** As in `21 Nov 2026, 19:02`. */
export function whole(at: number): string {
  return WHOLE.format(at);
}

/** As in `3 minutes ago` and `in 2 days`; further than a month away as {@link whole}. */
export function relative(at: number, now: number): string {
  const distance = at - now;
  const size = Math.abs(distance);
  if (size > 30 * DAY) return whole(at);
  if (size < MINUTE) return distance > 0 ? 'in less than a minute' : 'just now';
  if (size < HOUR) return ELAPSED.format(Math.trunc(distance / MINUTE), 'minute');
  if (size < DAY) return ELAPSED.format(Math.trunc(distance / HOUR), 'hour');
  return ELAPSED.format(Math.trunc(distance / DAY), 'day');
}

/** A moment as `<input type="datetime-local">` holds it, in the viewer's zone. */
export function toLocalInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

/** What such an input holds, in ms since the epoch; null: no moment. */
export function fromLocalInput(text: string): number | null {
  const at = new Date(text).getTime();
  return text === '' || Number.isNaN(at) ? null : at;
}
