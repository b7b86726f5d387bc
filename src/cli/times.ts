import { hasMonthsOrYears, parseDuration } from '../shared/dates/durations.js';
import { faultOfMoment } from '../shared/dates/momentFault.js';
import { formatMoment, isMoment, parseMoment } from '../shared/dates/moments.js';
import { usage } from './exit.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Such as 90d or 12h: at most six digits and one unit. */
const SHORT = /^(\d{1,6})([smhdw])$/;

/**
 * Returns a duration in the API's form (ISO 8601). Accepts that form, and 7d, 12h or 30m.
 * @param option the option with the text, for the error
 * @throws Failure
 */
export function durationOf(option: string, text: string): string {
  const seconds = secondsOf(text);
  if (seconds !== null) return `PT${seconds}S`;
  if (parseDuration(text) !== null) return text;
  const what = hasMonthsOrYears(text) ? 'months and years differ in length. ' : '';
  throw usage(
    `${option}: invalid length of time${what === '' ? '. ' : `: ${what}`}Write 7d, 12h or 30m, or P7D or PT12H (ISO 8601).`,
  );
}

/**
 * Returns a time in the API's form (RFC 3339). Accepts that form, a date, `now`, or a duration from now.
 * @param option the option with the text, for the error
 * @throws Failure
 */
export function momentOf(option: string, text: string, now: number = Date.now()): string {
  const seconds = text === 'now' ? 0 : secondsOf(text);
  return seconds === null ? writtenMoment(option, text) : reckoned(option, now + seconds * 1_000);
}

/** Like {@link momentOf}, for the past: 7d is seven days ago. @throws Failure */
export function pastMomentOf(option: string, text: string, now: number = Date.now()): string {
  const seconds = secondsOf(text);
  return seconds === null ? momentOf(option, text, now) : reckoned(option, now - seconds * 1_000);
}

function writtenMoment(option: string, text: string): string {
  const at = parseMoment(text, 'typed');
  if (at !== null) return formatMoment(at);
  const fault = faultOfMoment(text, 'typed');
  throw usage(fault === null ? `${option}: invalid date. ${FORMS}` : `${option}: invalid date: ${text} ${fault}.`);
}

const FORMS = 'Write 2026-12-31T12:00:00Z, 2026-12-31 (midnight in UTC), now, or a length of time such as 90d.';

function reckoned(option: string, at: number): string {
  if (isMoment(at)) return formatMoment(at);
  throw usage(`${option}: invalid date: the length of time leads out of the years 0000 to 9999. Write a shorter one.`);
}

function secondsOf(text: string): number | null {
  const [, count, unit = ''] = SHORT.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNITS[unit] ?? 0);
}

/** Formats a time for people: to the minute, in UTC. */
export function shortMoment(moment: string | null): string {
  return moment === null ? '-' : moment.slice(0, 16).replace('T', ' ');
}
