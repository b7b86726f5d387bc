import { parseLocalDay } from '../../dates/local.js';
import { formatMoment } from '../../dates/moments.js';
import type { AuditFilter } from '../generated/graphql.js';

/**
 * Returns the part of the filter for days of the viewer's zone, the last one included whole.
 * @param first the first day as `<input type="date">` writes it; null, or any other text: no limit @param last the last day
 */
export function daysBetween(first: string | null, last: string | null): Pick<AuditFilter, 'from' | 'to'> {
  const from = parseLocalDay(first ?? '')?.from;
  const to = parseLocalDay(last ?? '')?.to;
  return { ...(from !== undefined && { from: formatMoment(from) }), ...(to !== undefined && { to: formatMoment(to) }) };
}
