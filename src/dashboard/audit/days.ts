import { parseLocalDay } from '../../shared/dates/local.js';
import { formatMoment } from '../../shared/dates/moments.js';
import type { AuditFilter } from '../generated/graphql.js';

/**
 * Returns the time range of the filter for two days in the viewer's time zone, both included.
 *
 * @param first the first day, as written by `<input type="date">`; null or any other text: no limit
 * @param last the last day
 */
export function daysBetween(first: string | null, last: string | null): Pick<AuditFilter, 'from' | 'to'> {
  const from = parseLocalDay(first ?? '')?.from;
  const to = parseLocalDay(last ?? '')?.to;
  return { ...(from !== undefined && { from: formatMoment(from) }), ...(to !== undefined && { to: formatMoment(to) }) };
}
