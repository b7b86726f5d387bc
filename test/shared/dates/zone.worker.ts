/** Compares days of several time zones with ICU's own calendar, one zone after another, and prints what differs in each. */
import fc from 'fast-check';
import { formatLocalInput, parseLocalDay, parseLocalInput } from '../../../src/shared/dates/local.js';
import { FIRST_MOMENT, LAST_MOMENT } from '../../../src/shared/dates/moments.js';
import { daysBetween } from '../../../src/dashboard/audit/days.js';

const [zones = '[]'] = process.argv.slice(2);
const DAY = 86_400_000;
const FORMAT = { calendar: 'gregory', year: 'numeric', month: '2-digit', day: '2-digit' } as const;
/** Of the current zone. */
let faults: string[] = [];
let calendar = new Intl.DateTimeFormat('en-US', FORMAT);

/** The local day of a moment, by ICU. */
function dayOf(at: number): string {
  const part = Object.fromEntries(calendar.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${part.year?.padStart(4, '0')}-${part.month}-${part.day}`;
}

function check(text: string): void {
  const span = parseLocalDay(text);
  if (span === null) return void faults.push(`${text} is not read`);
  const { from, to } = span;
  const skipped = dayOf(from) !== text;
  if (skipped && from !== to) faults.push(`${text} begins on ${dayOf(from)}`);
  if (!skipped && from > FIRST_MOMENT && dayOf(from - 1) >= text) faults.push(`${text} begins too late`);
  if (!skipped && dayOf(to - 1) !== text) faults.push(`${text} ends on ${dayOf(to - 1)}`);
  // The input has no way to write the year 10000, which a zone east of UTC reaches before UTC does.
  if (text === '9999-12-31') return;
  if (to < LAST_MOMENT && dayOf(to) <= text) faults.push(`${text} ends too early`);
  const next = dayOf(to);
  if (to < LAST_MOMENT && parseLocalDay(next)?.from !== to)
    faults.push(`between ${text} and ${next} something is missing`);
}

/** Node applies a change of TZ at once. */
function inZone(zone: string, days: readonly string[]): object {
  process.env.TZ = zone;
  faults = [];
  calendar = new Intl.DateTimeFormat('en-US', FORMAT);
  for (const day of days) check(day);
  // From 1990 on, by days, and any moment of the years 1 to 9999.
  for (let at = Date.UTC(1990, 0, 1, 12); at < Date.UTC(2030, 0, 1); at += DAY) check(dayOf(at));
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1000, 0), max: LAST_MOMENT - 2 * DAY }), (at) => {
      check(dayOf(at));
      const input = formatLocalInput(at);
      const read = parseLocalInput(input);
      // The minute comes twice where clocks go back; the input cannot say which one.
      if (read === null || formatLocalInput(read) !== input) faults.push(`${input} is read as ${read}`);
      const cut = Math.floor(at / 60_000) * 60_000;
      if (read !== cut && Math.abs((read ?? 0) - cut) > DAY / 4) faults.push(`${at} is read back as ${read}`);
    }),
    { seed: 7, numRuns: 500 },
  );
  const ends = [FIRST_MOMENT, LAST_MOMENT].map(formatLocalInput);
  if (ends.some((text) => !/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text))) faults.push(`ends ${ends.join(' ')}`);
  const { timeZone } = calendar.resolvedOptions();
  return { timeZone, faults: faults.slice(0, 5), filter: daysBetween('2026-11-01', '2026-11-01') };
}

const given = JSON.parse(zones) as [zone: string, days: string[]][];
console.log(JSON.stringify(given.map(([zone, days]) => inZone(zone, days))));
