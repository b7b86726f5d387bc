import { BODY_LENGTH, LOOKUP_LENGTH, lookupIdIn, TOKEN_START } from '../../text/tokenShape.js';

/** What may be searched for, kept in the address and sent to the server. It never contains the secret of a token. */
export interface Clue {
  readonly text: string;
  /** `token`: it identifies one key, so that a search by name would find nothing. */
  readonly kind: 'text' | 'token';
}

/** Text that may be a token of another system. The whole text is the secret, so that only its digest may be searched for. */
export interface Unreduced {
  readonly kind: 'secret';
  readonly secret: string;
}

/** Characters that a copied token may contain: spaces, quotes, backslashes, line breaks and invisible characters. */
const NOISE = /[\s"'`“”‘’\\,;\u00AD\u200B-\u200F\u2060\uFEFF]/g;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const BARE_DIGEST = /^[0-9a-f]{64}$/i;
const UUID = /[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/i;

/**
 * Reduces typed or pasted text to what may be searched for: a token of this service, whole, damaged or within other text,
 * to its prefix and lookup id.
 */
export function reduce(typed: string): Clue | Unreduced {
  const text = typed.trim();
  if (DIGEST.test(text)) return { text, kind: 'token' };
  if (BARE_DIGEST.test(text)) return { text: `sha256:${text.toLowerCase()}`, kind: 'token' };
  const own = ownToken(text);
  if (own !== null) return { text: own, kind: 'token' };
  const bare = bareBody(text);
  if (bare !== null) return { text: lookupIdIn(bare), kind: 'token' };
  if (!looksSecret(text)) return { text: typed, kind: isPartOfToken(text) ? 'token' : 'text' };
  return { kind: 'secret', secret: withoutScheme(text) };
}

/** The prefix and lookup id of a token in the text, or of its beginning; null: there is none. */
function ownToken(text: string): string | null {
  const start = TOKEN_START.exec(text);
  if (start === null) return null;
  const [beginning, prefix = ''] = start;
  const rest = text.slice(start.index + beginning.length);
  const [run = ''] = /^[0-9A-Za-z]*/.exec(rest) ?? [];
  // A name may look like a token's prefix (load_test_production), and has neither digits nor capitals all over.
  if (run.length > LOOKUP_LENGTH && /[0-9A-Z]/.test(run)) return shown(prefix, run);
  // Copied with line breaks or spaces in it.
  const [joined = ''] = /^[0-9A-Za-z]*/.exec(rest.replace(NOISE, '')) ?? [];
  if (joined.length <= Math.max(run.length, LOOKUP_LENGTH) || !/[0-9A-Z]/.test(joined)) return null;
  if (joined.length >= BODY_LENGTH) return shown(prefix, joined);
  return /[0-9A-Z]/.test(run) ? shown(prefix, run) : null;
}

function shown(prefix: string, body: string): string {
  return `${prefix.toLowerCase()}_${body.slice(0, LOOKUP_LENGTH)}`;
}

/** The body of a token without its prefix. */
function bareBody(text: string): string | null {
  const runs = text.replace(NOISE, ' ').match(/[0-9A-Za-z]+/g) ?? [];
  return runs.find((run) => run.length === BODY_LENGTH && /\d/.test(run) && /[A-Za-z]/.test(run)) ?? null;
}

function isPartOfToken(text: string): boolean {
  return /^[a-z][a-z0-9]{0,9}_(?:live|test)_[0-9A-Za-z]{1,16}(?:…|\.{3})?$/.test(text) && /_\w*[0-9A-Z]\w*$/.test(text);
}

/** Names have no long runs in which letters and digits are mixed. Tokens, parts of tokens and UUIDs have. */
function looksSecret(text: string): boolean {
  if (UUID.test(text)) return true;
  const runs = text.replace(NOISE, ' ').match(/[0-9A-Za-z+/=]+/g) ?? [];
  return runs.some(
    (run) =>
      (run.length >= 20 && /\d/.test(run) && /[A-Za-z]/.test(run)) ||
      (run.length >= 30 && /[a-z]/.test(run) && /[A-Z]/.test(run)),
  );
}

/** The token in `Authorization: Bearer …` or in quotes. */
function withoutScheme(text: string): string {
  return text
    .replace(/^[\w-]+:\s+/, '')
    .replace(/^(?:Bearer|Basic|Token|ApiKey)\s+/i, '')
    .replace(/^["'`“”‘’]+|["'`“”‘’,;]+$/g, '');
}

/** Returns the SHA-256 of a token as the API finds imported keys by it; null where the browser has no Web Crypto: over HTTP. */
export async function digestOf(secret: string): Promise<Clue | null> {
  const { subtle } = crypto as { readonly subtle?: typeof crypto.subtle };
  if (subtle === undefined) return null;
  const bytes = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(secret)));
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { text: `sha256:${hex}`, kind: 'token' };
}
