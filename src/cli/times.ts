import { usage } from './exit.js';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** As in 90d or 12h: at most six digits, of one unit. */
const SHORT = /^(\d{1,6})([smhdw])$/;

const ISO_DURATION = /^P(?=.)[0-9DWTHMS.]{1,40}$/;

const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A length of time as the API takes it (ISO 8601), from that or from 7d, 12h, 30m. @throws Failure */
export function durationOf(text: string): string {
  const seconds = secondsOf(text);
  if (seconds !== null) return `PT${seconds}S`;
  if (ISO_DURATION.test(text)) return text;
  throw usage('That is no length of time. Give one as in 7d, 12h or 30m, or as ISO 8601 writes it: P7D, PT12H.');
}

/** A moment as the API takes it (RFC 3339), from that, from a date, or from now and a length of time. @throws Failure */
export function momentOf(text: string, now: number = Date.now()): string {
  const seconds = secondsOf(text);
  if (text === 'now' || seconds !== null) return new Date(now + (seconds ?? 0) * 1_000).toISOString();
  const time = MOMENT.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) {
    throw usage(
      'That is no moment. Give one as in 2026-12-31T12:00:00Z or 2026-12-31 (UTC), or from now on as in 90d.',
    );
  }
  return new Date(time).toISOString();
}

/** {@link momentOf} for what lies behind: 7d is seven days ago. @throws Failure */
export function pastMomentOf(text: string, now: number = Date.now()): string {
  const seconds = secondsOf(text);
  return seconds === null ? momentOf(text, now) : new Date(now - seconds * 1_000).toISOString();
}

function secondsOf(text: string): number | null {
  const [, count, unit = ''] = SHORT.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNITS[unit] ?? 0);
}

/** For people: to the minute, in UTC. */
export function shortMoment(moment: string | null): string {
  return moment === null ? '-' : moment.slice(0, 16).replace('T', ' ');
}
