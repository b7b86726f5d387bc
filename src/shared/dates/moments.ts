/**
 * All code that parses, adds to or formats a date is in this folder, so that the API, the command line, imports and the
 * dashboard accept the same texts. It has no imports, so that browsers can use it.
 */

/** RFC 3339 has years of four digits, so these are the first and the last moment. In ms since the epoch. */
export const FIRST_MOMENT = Date.parse('0000-01-01T00:00:00.000Z');
export const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

const MINUTE = 60_000;

const DAY = String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)`;
const HOUR = String.raw`(?<hour>\d\d):(?<minute>\d\d)`;
const SECOND = String.raw`:(?<second>\d\d)(?:\.(?<fraction>\d{1,9}))?`;

/** The patterns of the forms. */
export const FORMS = {
  /** The form of the API: RFC 3339 with an offset. */
  rfc3339: new RegExp(`^${DAY}[Tt]${HOUR}${SECOND}(?<offset>[Zz]|[+-]\\d\\d:\\d\\d)$`),
  /** The form of the command line: RFC 3339, optionally without seconds, or only a date, which means midnight in UTC. */
  typed: new RegExp(`^${DAY}(?:[Tt]${HOUR}(?:${SECOND})?(?<offset>[Zz]|[+-]\\d\\d:\\d\\d))?$`),
  /**
   * The form of database exports: also with a space instead of `T`, without seconds, and with offsets such as `+00` and
   * `+0530`.
   */
  exported: new RegExp(`^${DAY}[Tt ]${HOUR}(?:${SECOND})?(?<offset>[Zz]|[+-]\\d\\d(?::?\\d\\d)?)$`),
} as const;

/** The accepted texts. */
export type MomentForm = keyof typeof FORMS;

/**
 * Parses a moment into ms since the epoch. Truncates fractions to milliseconds.
 *
 * @returns null for any other text, for a day that the month does not have, for hour 24 and second 60, and for a moment
 *   outside the years 0 to 9999 (UTC)
 */
export function parseMoment(text: string, form: MomentForm = 'rfc3339'): number | null {
  const parts = text.length <= 40 ? FORMS[form].exec(text)?.groups : undefined;
  if (parts === undefined) return null;
  const day = dayOf(parts);
  const time = timeOf(parts);
  const offset = offsetOf(parts.offset ?? 'Z');
  if (day === null || time === null || offset === null) return null;
  const at = startOfUtcDay(day) + time - offset;
  return isMoment(at) ? at : null;
}

/**
 * Formats a moment in RFC 3339 and UTC. Uses the first or last moment if it is outside the range.
 *
 * @param at ms since the epoch
 */
export function formatMoment(at: number): string {
  return new Date(clampMoment(at)).toISOString();
}

/** Adds ms to a moment, and stops at the first or the last one. */
export function addToMoment(at: number, ms: number): number {
  return clampMoment(at + ms);
}

/** Returns the moment, or the first or last one if it is outside the range. */
export function clampMoment(at: number): number {
  return Math.max(FIRST_MOMENT, Math.min(at, LAST_MOMENT));
}

/** Returns whether a number is a valid moment: whole ms since the epoch, in the years 0 to 9999. */
export function isMoment(at: number): boolean {
  return Number.isInteger(at) && at >= FIRST_MOMENT && at <= LAST_MOMENT;
}

/** A day of the calendar, without a zone. `month` starts with 1. */
export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/**
 * Reads a day from the groups of a pattern.
 *
 * @returns null for a day that the month does not have
 */
export function dayOf({ year, month, day }: Readonly<Record<string, string | undefined>>): Day | null {
  const named = { year: Number(year), month: Number(month), day: Number(day) };
  // Date turns 30 February into a day of March.
  const date = new Date(startOfUtcDay(named));
  return date.getUTCMonth() + 1 === named.month && date.getUTCDate() === named.day ? named : null;
}

/**
 * Reads a time of day from the groups of a pattern, in ms.
 *
 * @returns null for hour 24, minute 60 or second 60
 */
export function timeOf({
  hour = '0',
  minute = '0',
  second = '0',
  fraction = '',
}: Readonly<Record<string, string | undefined>>): number | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'));
  return (Number(hour) * 60 + Number(minute)) * MINUTE + Number(second) * 1_000 + ms;
}

/** Returns the offset in ms. RFC 3339 section 5.6: at most 23:59. */
function offsetOf(offset: string): number | null {
  if (offset === 'Z' || offset === 'z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(3).replace(':', ''))];
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE;
}

/** Date.UTC would treat the years 0 to 99 as 1900 to 1999. */
function startOfUtcDay({ year, month, day }: Day): number {
  return new Date(0).setUTCFullYear(year, month - 1, day);
}
