import { badInput, type Refusal } from '../errors/refusal.js';
import type { KeyClues } from '../store/keyStore.js';
import { cluesIn, MIN_BEGINNING, type Clues as TextClues } from '../../shared/text/clues/clues.js';
import { bytesOfBase64 } from '../../shared/text/clues/base64.js';
import type { OwnToken } from '../../shared/text/clues/ownTokens.js';
import { MAX_WORDS } from '../../shared/text/clues/secretWords.js';
import { LOOKUP_LENGTH } from '../../shared/text/tokenShape.js';
import { locateDigest, type Located } from './foreign.js';

const BARE_DIGEST = /^[0-9a-f]{64}$/i;
/** A lookup ID, or the body of a token, which begins with it. */
const BODY = /^[0-9A-Za-z]{16}(?:[0-9A-Za-z]{38})?$/;

/** The longest text that the API searches, in characters. The command line and the dashboard reduce longer ones themselves. */
export const MAX_SEARCH = 4_096;

const FORMS =
  'Give a token or its beginning (lks_live_Ab12Cd), a lookup ID, a key ID (key_…), ' +
  'a token of another system, or its SHA-256 (sha256:…).';

/** Parts of a text that may identify a key. */
interface Clues {
  readonly ids: readonly string[];
  /**
   * Type and environment at the start of an incomplete token, such as `lks_live`, possibly with letters before it; null if
   * unknown, or not needed because the lookup ID is complete.
   */
  readonly tokenPrefix: string | null;
  readonly stored: KeyClues;
  /** The error to throw if no key is found, for a text in an unsupported form; null if an empty result is correct. */
  readonly otherwise: Refusal | null;
}

type Locate = (token: string) => Promise<readonly Located[]>;

/**
 * Finds clues to a key in a text: its ID, its displayed prefix, its lookup ID, a token or the start of one, with or without
 * other text around it. Of a Latchkey token, only the lookup ID is used.
 *
 * @param locateForeign returns where a token of another system would be stored
 * @throws Refusal BAD_USER_INPUT if the text is empty or too long, or has several tokens
 */
export async function readClues(text: string, locateForeign: Locate): Promise<Clues> {
  if (text.length > MAX_SEARCH) throw refused(`The text has more than ${MAX_SEARCH} characters. ${FORMS}`);
  if (text.trim() === '') throw refused(`The text to search for is empty. ${FORMS}`);
  const found = cluesIn(text);
  if (found.own.length > 1) throw refused('There are several tokens in this text. Search for one at a time.');
  if ([found.secrets, found.ids, found.digests, found.lookups].some(({ length }) => length > MAX_WORDS)) {
    throw refused(`More than ${MAX_WORDS} words of this text may be tokens or IDs. Give only the line with the token.`);
  }
  const [own = null] = found.own;
  const { lookupIds, beginning } = ownLookups(own, found);
  return {
    ids: found.ids,
    tokenPrefix: own?.lookup === beginning ? own.tokenPrefix : null,
    stored: {
      lookupIds: [...new Set([...lookupIds, ...(await foreignLookups(found, own, locateForeign))])],
      beginning,
      foreignPrefix: found.word,
    },
    otherwise: otherwiseOf(found, own),
  };
}

/** A mistyped token is not looked up by its lookup ID: the mistake may be in it. */
function ownLookups(own: OwnToken | null, { lookups, names }: TextClues): Pick<KeyClues, 'lookupIds' | 'beginning'> {
  const usable = own === null || own.state === 'mistyped' ? lookups : [own.lookup, ...lookups];
  const [beginning = null] = usable.filter(({ length }) => length < LOOKUP_LENGTH && length >= MIN_BEGINNING);
  return { lookupIds: [...usable.filter(({ length }) => length === LOOKUP_LENGTH), ...names], beginning };
}

async function foreignLookups(found: TextClues, own: OwnToken | null, locateForeign: Locate): Promise<string[]> {
  const words = new Set([...found.secrets, ...[own?.word, found.word].filter((word) => typeof word === 'string')]);
  const digests = [...found.digests, ...[...words].flatMap((word) => digestOf(word) ?? [])];
  const bodies = [...words].filter((word) => BODY.test(word)).map((word) => word.slice(0, LOOKUP_LENGTH));
  const located = digests.map(locateDigest);
  for (const word of words) located.push(...(await locateForeign(word)));
  return [...bodies, ...located.map(({ lookupId }) => lookupId)];
}

/** Returns the digest that a word may be, or null. The same word may also be a token. */
function digestOf(word: string): string | null {
  if (BARE_DIGEST.test(word)) return word.toLowerCase();
  const bytes = bytesOfBase64(word);
  return bytes?.length === 32 ? Buffer.from(bytes, 'latin1').toString('hex') : null;
}

function otherwiseOf(found: TextClues, own: OwnToken | null): Refusal | null {
  if (own?.state === 'mistyped') {
    return refused('The checksum of this token is wrong. Copy the whole token, or search by its prefix.');
  }
  if (
    own !== null &&
    own.lookup.length < MIN_BEGINNING &&
    found.ids.length + found.digests.length + found.lookups.length === 0
  ) {
    return refused(`Give at least ${MIN_BEGINNING} characters after the prefix ${own.tokenPrefix}_.`);
  }
  const clues = [found.own, found.ids, found.lookups, found.digests, found.secrets];
  return clues.some(({ length }) => length > 0) ? null : refused(`There is no token in this text. ${FORMS}`);
}

function refused(message: string): Refusal {
  return badInput(['text'], message);
}
