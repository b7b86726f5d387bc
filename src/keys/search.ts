import { badInput } from '../refusals/refusal.js';
import type { KeyClues } from '../store/store.js';
import { locateDigest, type Located } from './foreign.js';
import { BODY_LENGTH, LOOKUP_LENGTH } from '../text/tokenShape.js';
import { isToken, MAX_CREDENTIAL_LENGTH, parseToken, TOKEN_PATTERN } from './token.js';

/** Fewer characters of a lookup id would match many keys. */
const MIN_BEGINNING = 6;

/** A token, or its beginning from the prefix on. */
const OWN = /^(?<tokenPrefix>[a-z][a-z0-9]{0,9}_(?:live|test))_(?<body>[0-9A-Za-z]+)$/;
const ONLY_PREFIX = /^[a-z][a-z0-9]{0,9}_(?:live|test)_?$/;
const BARE = /^[0-9A-Za-z]{6,16}$/;
const DIGEST = /^(?:sha256:)?(?<digest>[0-9a-f]{64})$/i;
const KEY_ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;

/** What somebody knows of a key that they look for. */
export interface Clues extends KeyClues {
  /** The key's own id, if that is what was given. */
  readonly id: string | null;
  /** Type and environment, if they are known: `sk_live`. */
  readonly tokenPrefix: string | null;
}

/**
 * Reads what somebody knows of a key: its id, its prefix as lists show it, its lookup id, a part of its token or the whole.
 * Of a token only the lookup id is used.
 *
 * @param locateForeign where a token of another system would be stored
 * @throws Refusal BAD_USER_INPUT for what cannot belong to any key
 */
export async function readClues(
  text: string,
  locateForeign: (token: string) => Promise<readonly Located[]>,
): Promise<Clues> {
  const clue = tokenIn(text) ?? text.trim().replace(/(?:…|\.{3})$/, '');
  if (clue === '' || clue.length > MAX_CREDENTIAL_LENGTH) {
    throw badInput(['text'], `Give 1 to ${MAX_CREDENTIAL_LENGTH} characters: a prefix, a lookup id or a token.`);
  }
  const foreign = await foreignLookups(clue, locateForeign);
  const id = KEY_ID.test(clue) ? clue : null;
  const { tokenPrefix, body } = ownParts(clue, foreign.length > 0);
  const lookup = body.slice(0, LOOKUP_LENGTH);
  if (foreign.length === 0 && (ONLY_PREFIX.test(clue) || (body !== '' && lookup.length < MIN_BEGINNING))) {
    throw badInput(['text'], `Give at least ${MIN_BEGINNING} characters after the prefix: fewer match too many keys.`);
  }
  const whole = lookup.length === LOOKUP_LENGTH;
  return {
    id,
    tokenPrefix,
    lookupIds: [...foreign, ...(whole ? [lookup] : [])],
    beginning: whole || lookup.length < MIN_BEGINNING ? null : lookup,
    foreignPrefix: clue,
  };
}

/**
 * Returns the one token of ours in a text such as `Authorization: Bearer …` or `API_KEY="…"`, else null. Text around
 * a leaked token must not make the search find nothing.
 *
 * @throws Refusal BAD_USER_INPUT for several tokens
 */
function tokenIn(text: string): string | null {
  if (text.length > MAX_CREDENTIAL_LENGTH) return null;
  const found = new Set<string>();
  for (const match of text.match(TOKEN_PATTERN) ?? []) {
    // The pattern takes letters before a token along, as the n of a written line break.
    const starts = Array.from({ length: match.indexOf('_') }, (_, i) => match.slice(i));
    const token = starts.find(isToken);
    if (token !== undefined) found.add(token);
  }
  if (found.size > 1) throw badInput(['text'], 'There are several tokens in this text. Search for one at a time.');
  const [token = null] = found;
  return token;
}

async function foreignLookups(
  clue: string,
  locateForeign: (token: string) => Promise<readonly Located[]>,
): Promise<string[]> {
  const digest = DIGEST.exec(clue)?.groups?.digest;
  const located = await locateForeign(clue);
  const all = digest === undefined ? located : [...located, locateDigest(digest.toLowerCase())];
  return all.map(({ lookupId }) => lookupId);
}

/** The parts of one of our own tokens, or of its beginning; an empty body for any other text. */
function ownParts(clue: string, isForeign: boolean): { readonly tokenPrefix: string | null; readonly body: string } {
  if (BARE.test(clue)) return { tokenPrefix: null, body: clue };
  const { tokenPrefix, body } = OWN.exec(clue)?.groups ?? {};
  if (tokenPrefix === undefined || body === undefined || body.length > BODY_LENGTH) {
    return { tokenPrefix: null, body: '' };
  }
  if (body.length === BODY_LENGTH && parseToken(clue) === null) {
    if (isForeign) return { tokenPrefix: null, body: '' };
    throw badInput(['text'], 'The checksum of this token is wrong. Copy the whole token, or search by its prefix.');
  }
  return { tokenPrefix, body };
}
