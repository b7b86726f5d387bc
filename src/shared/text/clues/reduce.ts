import { LOOKUP_LENGTH } from '../tokenShape.js';
import { cluesIn, MAX_TEXT } from './clues.js';
import type { OwnToken } from './ownTokens.js';
import { MAX_WORDS } from './secretWords.js';

/** The parts of a text that may leave the user's machine. */
export interface Reduced {
  /** `prefix_lookup`, lookup IDs, key IDs and digests. Never a part of a secret. */
  readonly clues: readonly string[];
  /**
   * Words as long as a lookup ID that are probably names. If the text has other clues, they are among them, because then it is
   * not a part of a name.
   */
  readonly names: readonly string[];
  /** Words that may be tokens of another system. Only their SHA-256 may leave. */
  readonly secrets: readonly string[];
  /** The state of the Latchkey token in the text, if there is one. */
  readonly state: OwnToken['state'] | null;
  /** The text has a part of a secret. */
  readonly hasSecret: boolean;
  /** The text, if it is a single word and not a token: a part of a name, or the prefix of an imported key. */
  readonly word: string | null;
}

/** The text cannot be searched for. */
interface Unreduced {
  readonly problem: string;
}

/**
 * Reduces a text to the parts that identify a key without being secret: the lookup ID of a Latchkey token, words to be
 * hashed, IDs and digests. The server never needs more.
 */
export function reduceClues(text: string): Reduced | Unreduced {
  if (text.length > MAX_TEXT) {
    return { problem: `The text has more than ${MAX_TEXT} characters. Give only the part with the token.` };
  }
  const { own, ids, lookups, names, digests, secrets, word } = cluesIn(text);
  if (own.length > 1) return { problem: `The text has ${own.length} tokens. Search for one at a time.` };
  if ([secrets, ids, lookups, digests].some(({ length }) => length > MAX_WORDS)) {
    return {
      problem: `More than ${MAX_WORDS} words of the text may be tokens or IDs. Give only the line with the token.`,
    };
  }
  const [token = null] = own;
  const beginning =
    token === null ? [] : [token.tokenPrefix === null ? token.lookup : `${token.tokenPrefix}_${token.lookup}`];
  const mayBeForeign = token?.state === 'beginning' && token.hasSecret && token.word !== null;
  const known = [...beginning, ...ids, ...lookups, ...digests.map((digest) => `sha256:${digest}`)];
  return {
    clues: known.length + secrets.length > 0 ? [...known, ...names] : known,
    names,
    secrets: mayBeForeign ? [token.word, ...secrets] : secrets,
    state: token?.state ?? null,
    hasSecret: token?.hasSecret === true || secrets.length > 0,
    word,
  };
}

/** Joins clues into one search text. A prefix that is followed by others needs a mark, so that it is recognised. */
export function joinClues(clues: readonly string[]): string {
  if (clues.length === 1) return clues[0] ?? '';
  return clues.map((clue) => (isShortPrefix(clue) ? `${clue}…` : clue)).join(' ');
}

function isShortPrefix(clue: string): boolean {
  const body = /^[a-z0-9]+_(?:live|test)_([0-9A-Za-z]*)$/.exec(clue)?.[1];
  return body !== undefined && body.length < LOOKUP_LENGTH;
}
