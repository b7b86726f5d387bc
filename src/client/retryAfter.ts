import { parseHttpDate } from '../shared/dates/httpDate.js';

/**
 * Returns the wait in Retry-After in seconds, at least 0 (RFC 9110, section 10.2.3); null if it is missing or invalid.
 * A date is compared with the Date of the response if there is one, because the server's clock may be wrong.
 */
export function retryAfterSeconds(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const at = parseHttpDate(value);
  if (at === null) return null;
  const present = parseHttpDate(headers.get('date')?.trim() ?? '') ?? now;
  return Math.max(0, Math.ceil((at - present) / 1000));
}
