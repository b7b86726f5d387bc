/** Digests as databases let them out. */

const HEX = /^(?:\\x)?([0-9a-f]{64})$/i;
const BASE64 = /^([\w+/-]{43})=?$/;
const BCRYPT = /^\$2([aby])\$(\d\d)(\$[./0-9A-Za-z]{53})$/;

/** A run of bcrypt doubles with each: at 15 it takes two seconds of a core. */
const MAX_COST = 15;

/** A SHA-256 in hexadecimal (also as PostgreSQL writes bytes), base64 or base64url. @returns lower-case hexadecimal; null: it is none */
export function sha256Of(text: string): string | null {
  const [, hex] = HEX.exec(text) ?? [];
  if (hex !== undefined) return hex.toLowerCase();
  const [, base64] = BASE64.exec(text) ?? [];
  if (base64 === undefined) return null;
  const bytes = Buffer.from(base64, 'base64');
  // Bits that belong to no byte: what has some is no digest, or one that was mistyped.
  const isWhole = bytes.toString('base64').slice(0, 43) === base64.replaceAll('-', '+').replaceAll('_', '/');
  return bytes.length === 32 && isWhole ? bytes.toString('hex') : null;
}

/** A bcrypt hash as this package's bcrypt reads it. `2y` is PHP's name for what `2b` is. @returns null: it is none, or too costly */
export function bcryptOf(text: string): string | null {
  const [, variant, cost, rest] = BCRYPT.exec(text) ?? [];
  if (variant === undefined || cost === undefined || rest === undefined) return null;
  if (Number(cost) < 4 || Number(cost) > MAX_COST) return null;
  return `$2${variant === 'y' ? 'b' : variant}$${cost}${rest}`;
}
