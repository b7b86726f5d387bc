const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

type Five = [number, number, number, number, number];

const ISO_8601 = /^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,3}))?S)?)?)$/;

/**
 * Parses an ISO 8601 duration in weeks, or in days, hours, minutes and seconds, into ms. Rejects months and years,
 * because they have no fixed length.
 *
 * @returns null for any other text
 */
export function parseDuration(text: string): number | null {
  if (text.length > 60 || /^P$|T$/.test(text)) return null;
  const match = ISO_8601.exec(text);
  if (match === null) return null;
  const [weeks, days, hours, minutes, seconds] = [1, 2, 3, 4, 5].map((group) => Number(match[group] ?? 0)) as Five;
  const fraction = Number((match[6] ?? '').padEnd(3, '0'));
  return weeks * WEEK + days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction;
}

/**
 * Formats a duration: `P1DT12H`; `PT0S` for zero.
 *
 * @param ms an integer of at least 0
 */
export function formatDuration(ms: number): string {
  const days = Math.floor(ms / DAY);
  const hours = Math.floor((ms % DAY) / HOUR);
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const seconds = (ms % MINUTE) / SECOND;
  const date = days > 0 ? `${days}D` : '';
  const time = (hours > 0 ? `${hours}H` : '') + (minutes > 0 ? `${minutes}M` : '') + (seconds > 0 ? `${seconds}S` : '');
  if (date === '' && time === '') return 'PT0S';
  return `P${date}${time === '' ? '' : `T${time}`}`;
}

/** Returns whether a text is a duration in months or years, which have no fixed length. */
export function hasMonthsOrYears(text: string): boolean {
  return (
    text.length <= 60 && /^P(?=\d)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T.*)?$/.test(text) && /^P[^T]*[YM]/.test(text)
  );
}
