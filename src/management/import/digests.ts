// Parses digests as databases export them.

const HEX = /^(?:\\x)?([0-9a-f]{64})$/i;
const BASE64 = /^([\w+/-]{43})=?$/;
const BCRYPT = /^\$2([aby])\$(\d\d)(\$[./0-9A-Za-z]{53})$/;

/** The maximum bcrypt cost. At 15, a run takes about two seconds of CPU time. */
const MAX_COST = 15;

/**
 * Parses a SHA-256 in hexadecimal (also with `\x`, as PostgreSQL writes bytes), base64 or base64url.
 * @returns lower-case hexadecimal; null if it is not a SHA-256
 */
export function sha256Of(text: string): string | null {
  const [, hex] = HEX.exec(text) ?? [];
  if (hex !== undefined) return hex.toLowerCase();
  const [, base64] = BASE64.exec(text) ?? [];
  if (base64 === undefined) return null;
  const bytes = Buffer.from(base64, 'base64');
  // If the unused bits of the last character are not zero, the text is mistyped or not a digest.
  const isWhole = bytes.toString('base64').slice(0, 43) === base64.replaceAll('-', '+').replaceAll('_', '/');
  return bytes.length === 32 && isWhole ? bytes.toString('hex') : null;
}

/**
 * Returns a bcrypt hash in the form of the bcrypt package. PHP writes `2y` for `2b`. @returns null if it is not a hash, or is too costly
 */
export function bcryptOf(text: string): string | null {
  const [, variant, cost, rest] = BCRYPT.exec(text) ?? [];
  if (variant === undefined || cost === undefined || rest === undefined) return null;
  if (Number(cost) < 4 || Number(cost) > MAX_COST) return null;
  return `$2${variant === 'y' ? 'b' : variant}$${cost}${rest}`;
}
