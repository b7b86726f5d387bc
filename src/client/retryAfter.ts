import { parseHttpDate } from '../dates/httpDate.js';

/**
 * Seconds that an answer asks to wait (RFC 9110 section 10.2.3: seconds, or a date), at least 0; null: it does not ask, or
 * cannot be understood. A date is told in whole seconds, and by another clock: `Date`, where the answer has it, is that
 * clock's own present.
 */
export function retryAfterSeconds(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const at = parseHttpDate(value);
  if (at === null) return null;
  const present = parseHttpDate(headers.get('date')?.trim() ?? '') ?? now;
  return Math.max(0, Math.ceil((at - present) / 1000));
}
