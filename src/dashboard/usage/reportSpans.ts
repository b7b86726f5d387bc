import { formatMoment } from '../../shared/dates/moments.js';
import type { UsageReportPeriod } from '../generated/graphql.js';

/** One period in UTC. */
interface ReportSpan {
  readonly by: UsageReportPeriod;
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The periods that the page offers, each as a function of the current time. */
export const SPANS = {
  month: { label: 'This month', of: (now: number) => monthOf(now, 0) },
  lastMonth: { label: 'Last month', of: (now: number) => monthOf(now, -1) },
  day: { label: 'Today', of: (now: number) => spanOf('DAY', DAY, now) },
  lastDay: { label: 'Yesterday', of: (now: number) => spanOf('DAY', DAY, now - DAY) },
  hour: { label: 'This hour', of: (now: number) => spanOf('HOUR', HOUR, now) },
} as const satisfies Readonly<Record<string, { readonly label: string; readonly of: (now: number) => ReportSpan }>>;

function spanOf(by: UsageReportPeriod, length: number, at: number): ReportSpan {
  const start = Math.floor(at / length) * length;
  return { by, from: formatMoment(start), to: formatMoment(start + length) };
}

function monthOf(now: number, offset: number): ReportSpan {
  const date = new Date(now);
  const startOf = (month: number) => formatMoment(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + month));
  return { by: 'MONTH', from: startOf(offset), to: startOf(offset + 1) };
}
