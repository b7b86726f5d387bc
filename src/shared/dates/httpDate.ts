const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const DAY_OF_WEEK = 'Sun, '.length;

/**
 * Parses a date of a header field (RFC 9110 section 5.6.7, IMF-fixdate) into ms since the epoch.
 *
 * @returns null for any other text, and for a day that the month does not have. The day of the week is not checked,
 *   because the date is still clear if a server computes it incorrectly.
 */
export function parseHttpDate(text: string): number | null {
  const at = IMF_FIXDATE.test(text) ? Date.parse(text) : NaN;
  // Date.parse turns 31 February into a day of March, so the result is compared with the text.
  return !Number.isNaN(at) && new Date(at).toUTCString().slice(DAY_OF_WEEK) === text.slice(DAY_OF_WEEK) ? at : null;
}
