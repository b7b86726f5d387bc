import { dayOf, FORMS, parseMoment, type MomentForm } from './moments.js';

/** A date as people and programs write it, even if parts are missing or do not exist. */
const ALIKE =
  /^(?<date>\d{4}-(?<month>\d\d)-\d\d)(?:(?<gap>[Tt ])?(?<time>\d\d:\d\d(?<seconds>:\d\d(?<fraction>\.\d+)?)?))?(?: ?(?<offset>[Zz]|[+-]\d\d(?::?\d\d)?))?$/;

/** Longer than a date with ten additional digits. */
const MAX_LENGTH = 60;

/**
 * Returns what is wrong with a text that {@link parseMoment} rejects, as a predicate such as `has a month that does not
 * exist`. Returns null if the text does not look like a date. The result repeats only digits of a date.
 */
export function faultOfMoment(text: string, form: MomentForm = 'rfc3339'): string | null {
  const parts = text.length <= MAX_LENGTH ? ALIKE.exec(text)?.groups : undefined;
  if (parts === undefined || parseMoment(text, form) !== null) return null;
  const { date = '', month = '', time, offset } = parts;
  if (Number(month) < 1 || Number(month) > 12) return `has a month that does not exist, ${month}`;
  const fault = faultOfDay(date) ?? faultOfTime(time) ?? faultOfOffset(offset);
  if (fault !== null) return fault;
  if (time === undefined) return `has no time of day: write ${date}T00:00:00Z for its beginning in UTC`;
  if (offset === undefined) return 'has no time zone: add Z for UTC, or an offset such as +02:00';
  return faultOfForm(parts, form);
}

function faultOfDay(date: string): string | null {
  const [year, month, day] = date.split('-');
  if (dayOf({ year, month, day }) !== null) return null;
  return `has a day that does not exist: ${date.slice(0, 7)} has ${lastDayOf(year, month)} days`;
}

function lastDayOf(year: string | undefined, month: string | undefined): number {
  return [31, 30, 29, 28].find((day) => dayOf({ year, month, day: String(day) }) !== null) ?? 28;
}

function faultOfTime(time = '00:00:00'): string | null {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  if (hours < 24 && minutes < 60 && seconds < 60) return null;
  return `has a time that does not exist, ${time.slice(0, 8)}: hours end at 23, minutes and seconds at 59`;
}

function faultOfOffset(offset = 'Z'): string | null {
  const [, hours = '0', minutes = '0'] = /^[+-](\d\d):?(\d\d)?$/.exec(offset) ?? [];
  if (Number(hours) < 24 && Number(minutes) < 60) return null;
  return `has an offset that does not exist, ${offset}: the largest is 23:59`;
}

/** Every part exists, so the form is wrong, or the year is out of range. */
function faultOfForm(
  { date, time, gap, seconds, fraction = '', offset = '' }: Readonly<Record<string, string | undefined>>,
  form: MomentForm,
): string {
  if (gap !== 'T' && gap !== 't' && !(form === 'exported' && gap === ' '))
    return `has no T between ${date} and ${time}`;
  if (seconds === undefined && form === 'rfc3339') return `has no seconds: write ${time}:00`;
  if (fraction.length > 10) return 'has more than 9 digits of a fraction of a second';
  if (!FORMS[form].test(`2000-01-01T00:00:00${offset}`)) return `has the offset ${offset}: write it as in +02:00`;
  return 'is outside the years 0000 to 9999 in UTC';
}
