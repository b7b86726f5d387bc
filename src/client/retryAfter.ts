/**
 * Seconds that an answer asks to wait (RFC 9110 section 10.2.3: seconds, or a date), at least 0; null: it does not ask, or
 * cannot be understood. A date is told in whole seconds, and by another clock: `Date`, where the answer has it, is that
 * clock's own present.
 */
export function retryAfterSeconds(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value);
  // The form of RFC 9110 section 5.6.7 alone: Date.parse would read much else as a date, "5.5" among it.
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) return null;
  const present = Date.parse(headers.get('date') ?? '');
  return Math.max(0, Math.ceil((at - (Number.isNaN(present) ? now : present)) / 1000));
}
