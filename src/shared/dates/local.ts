import { clampMoment, dayOf, timeOf, type Day } from './moments.js';

/** Days and times in the local time zone, of the browser or of the process. */

const DAY = /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)$/;

const DAY_AND_TIME =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)T(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,3}))?)?$/;

/** A range of time: includes `from` and excludes `to`, in ms since the epoch. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the range of a local day as written by `<input type="date">`. It is not always 24 hours long, because clocks
 * change. If they skip midnight, the day begins at its first moment.
 *
 * @returns null for any other text, and for a day that the month does not have
 */
export function parseLocalDay(text: string): Span | null {
  const day = dayOf(DAY.exec(text)?.groups ?? {});
  if (day === null) return null;
  return { from: localMoment(day, 0), to: localMoment({ ...day, day: day.day + 1 }, 0) };
}

/**
 * Parses a local day and time as written by `<input type="datetime-local">` into ms since the epoch.
 *
 * @returns null for any other text
 */
export function parseLocalInput(text: string): number | null {
  const parts = DAY_AND_TIME.exec(text)?.groups;
  if (parts === undefined) return null;
  const day = dayOf(parts);
  const time = timeOf(parts);
  return day === null || time === null ? null : localMoment(day, time);
}

/** Formats a moment for `<input type="datetime-local">`, to the minute. */
export function formatLocalInput(at: number): string {
  const date = new Date(clampMoment(at));
  const year = date.getFullYear();
  // The first year of such an input is 1. East of UTC, the year 10000 begins while it is still 9999 in UTC.
  if (year < 1) return '0001-01-01T00:00';
  if (year > 9999) return '9999-12-31T23:59';
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${String(year).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/**
 * Returns the moment of a local time. If a clock change skips this time, the result is the same time after the change; if the time occurs
 * twice, it is the first one.
 */
function localMoment({ year, month, day }: Day, time: number): number {
  // Starts from noon, which clocks only skip together with the whole day. `new Date(year, …)` would treat the years 0
  // to 99 as 1900 to 1999.
  const date = new Date(2000, 0, 1, 12);
  date.setFullYear(year, month - 1, day);
  return clampMoment(date.setHours(0, 0, 0, time));
}
