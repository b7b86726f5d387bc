/**
 * Returns the header fields of the dashboard's page. Users type admin keys into it, so it runs only its own scripts,
 * connects only to this server and the issuer, and can't be framed.
 *
 * @param nonce a new one for each response, for the style elements that Mantine creates
 * @param origins the issuer's origins, which the page may call
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

/** Header fields of every file of the dashboard. */
export const EVERY_FILE = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;
