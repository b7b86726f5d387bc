/** Formats times for people: in the viewer's time zone, short, and the same on every page. */

const WHOLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const ELAPSED = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Formats a time: `21 Nov 2026, 19:02`. */
export function whole(at: number): string {
  return WHOLE.format(at);
}

/**
 * Formats a duration, such as `90 days`, in the largest unit that is at least twice in it, and at least as one minute.
 */
export function lasting(length: number): string {
  const [size, unit] =
    length >= 2 * DAY - HOUR ? [DAY, 'day'] : length >= 2 * HOUR - MINUTE ? [HOUR, 'hour'] : [MINUTE, 'minute'];
  const number = Math.max(1, Math.round(length / size));
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}

/** Formats a time relative to now, such as `3 minutes ago` or `in 2 days`; more than a month away as {@link whole}. */
export function relative(at: number, now: number): string {
  const distance = at - now;
  const size = Math.abs(distance);
  if (size > 30 * DAY) return whole(at);
  if (size < MINUTE) return distance > 0 ? 'in less than a minute' : 'just now';
  if (size < HOUR) return ELAPSED.format(Math.trunc(distance / MINUTE), 'minute');
  if (size < DAY) return ELAPSED.format(Math.trunc(distance / HOUR), 'hour');
  return ELAPSED.format(Math.trunc(distance / DAY), 'day');
}
