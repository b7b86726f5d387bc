import { joinClues, reduceClues } from '../../shared/text/clues/reduce.js';

/** The text of a search as it is put into the URL and sent to the server. It never contains the secret of a token. */
interface Clue {
  readonly text: string;
  /** `token`: it identifies one key, so that a search by name would find nothing. */
  readonly kind: 'text' | 'token';
  /** The checksum of the token is wrong. */
  readonly isMistyped?: true;
}

/** Text with possible tokens of another system. These are secrets, so only their digests may be sent. */
interface Unreduced {
  readonly kind: 'secret';
  /** The prefixes, IDs and digests in the text, which may be sent as they are. */
  readonly clues: readonly string[];
  readonly secrets: readonly string[];
}

/** Text that cannot be searched for, with the reason. */
interface Refused {
  readonly kind: 'refused';
  readonly problem: string;
}

/** The longest name of a key, in characters. */
const MAX_NAME = 100;

/** The number of digests that fit into a URL. */
const MAX_SECRETS = 8;

/**
 * Reduces typed or pasted text to the parts that may be searched for. A token of this service, even a damaged one or
 * one within other text, is reduced to its prefix and lookup ID.
 *
 * @param isPasted false if the text is still being typed, so an incomplete token can only be one of this service
 */
export function reduce(typed: string, isPasted = false): Clue | Unreduced | Refused {
  const reduced = reduceClues(typed);
  if ('problem' in reduced) return { kind: 'refused', problem: reduced.problem };
  const { clues, state, word } = reduced;
  const secrets = state === 'beginning' && !isPasted ? [] : reduced.secrets;
  if (secrets.length > MAX_SECRETS) return { kind: 'refused', problem: 'Paste only the line with the token.' };
  if (secrets.length > 0) return { kind: 'secret', clues, secrets };
  if (clues.length === 0 && typed.trim().length > MAX_NAME) return { kind: 'refused', problem: NONE };
  const text = joinClues(clues);
  // An ID is not a token. A single word, such as load_test_runner, may also be a part of a name.
  if (clues.length === 0 || (word === text && /^[0-9A-Za-z]{1,16}$|_[a-z]*$|^(?:key|conf)_/.test(text))) {
    return { text: typed, kind: 'text' };
  }
  return { text, kind: 'token', ...(state === 'mistyped' && { isMistyped: true }) };
}

/** The longest prefix of an imported key. */
const MAX_SHOWN = 24;

/** Returns whether the text may identify a key, and not only be a part of a name. */
export function isLookedUp(text: string): boolean {
  const reduced = reduceClues(text);
  return (
    ('clues' in reduced && reduced.clues.length + reduced.names.length > 0) ||
    (/^[\x21-\x7e]+$/.test(text) && text.length <= MAX_SHOWN)
  );
}

const NONE =
  'There is no token in this text. Paste a token or its beginning (lks_live_Ab12Cd), a lookup ID, a key ID (key_…), ' +
  'a token of another system, or its SHA-256 (sha256:…).';

/**
 * Returns the search text with the digest of each secret; null if the browser has no Web Crypto, as over plain HTTP.
 */
export async function digested({ clues, secrets }: Unreduced): Promise<Clue | null> {
  const { subtle } = crypto as { readonly subtle?: typeof crypto.subtle };
  if (subtle === undefined) return clues.length === 0 ? null : { text: joinClues(clues), kind: 'token' };
  const digests = await Promise.all(
    secrets.map(async (secret) => {
      const bytes = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(secret)));
      return `sha256:${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    }),
  );
  return { text: joinClues([...clues, ...digests]), kind: 'token' };
}
