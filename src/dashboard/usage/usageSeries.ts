import type { KeyUsageQuery, UsagePeriod } from '../generated/graphql.js';

export type Usage = NonNullable<KeyUsageQuery['apiKey']>['usage'];

/** The counts of a period, in the order of the totals, the bars from the bottom up, the tooltip and the table. */
export const SERIES = [
  { name: 'requests', label: 'Accepted', color: 'pine.6' },
  { name: 'limited', label: 'Rate limited', color: 'yellow.6' },
  { name: 'forbidden', label: 'Missing scope', color: 'red.6' },
] as const;

const HOUR_LABEL = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const HOUR_NAME = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  // When clocks go back, two hours in a row are both 01:00.
  timeZoneName: 'short',
});
/** Days are in UTC, and can have a different date in the viewer's time zone. */
const DAY_LABEL = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Returns a short label for a period, for the axis: `14:00` or `1 Nov`. */
export function labelOf(start: string, by: UsagePeriod): string {
  return (by === 'DAY' ? DAY_LABEL : HOUR_LABEL).format(Date.parse(start));
}

/** Returns a label that is unique within the last month: `1 Nov, 01:00 GMT-4` or `1 Nov`. */
export function nameOf(start: string, by: UsagePeriod): string {
  return (by === 'DAY' ? DAY_LABEL : HOUR_NAME).format(Date.parse(start));
}
