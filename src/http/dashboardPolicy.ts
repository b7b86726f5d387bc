/**
 * Header fields of the dashboard's page. An admin key is typed into it, so it runs no script but its own files, talks to
 * nobody but this server and the issuer, and stands in nobody's frame.
 *
 * @param nonce of this answer alone, for the style elements that Mantine makes
 * @param origins that it may ask besides its own: the issuer's
 */
export function pageHeaders(nonce: string, origins: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data:",
      ["connect-src 'self'", ...origins].join(' '),
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'permissions-policy':
      'camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
    'cross-origin-opener-policy': 'same-origin',
    'x-frame-options': 'DENY',
    ...EVERY_FILE,
  };
}

/** Of every file of the dashboard's. */
export const EVERY_FILE = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;
