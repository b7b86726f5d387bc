import type { KeyUsageQuery, UsagePeriod } from '../generated/graphql.js';

export type Usage = NonNullable<KeyUsageQuery['apiKey']>['usage'];

/** What is counted, in the order in which it is stacked. */
export const SERIES = [
  { name: 'requests', label: 'Let through', color: 'pine.6' },
  { name: 'limited', label: 'Refused by the limits', color: 'yellow.6' },
  { name: 'forbidden', label: 'Refused for scopes', color: 'red.6' },
] as const;

const HOURS = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
/** A day of UTC is no day of any other zone: its name would be the wrong one. */
const DAYS = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** When a period begins, as short as it can be told. */
export function shortly(at: string, by: UsagePeriod): string {
  return (by === 'DAY' ? DAYS : HOURS).format(Date.parse(at));
}
