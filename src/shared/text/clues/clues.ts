import { textOfBase64 } from './base64.js';
import { digestsIn, idsIn, lookupsIn, withoutDigests, writtenDigestsIn } from './lookups.js';
import { bareTokensIn, ownTokensIn, SHOWN_LENGTH, type OwnToken } from './ownTokens.js';
import { readingsOf } from './readings.js';
import { MAX_WORD, MAX_WORDS, secretWordsIn } from './secretWords.js';

/** The longest text that is searched, in characters: a page of a log, or an e-mail with its headers. */
export const MAX_TEXT = 32_768;

/** A prefix must have so many characters after `lks_live_` to be looked up. */
export const MIN_BEGINNING = 2;

/** Everything in a text that identifies a key. */
export interface Clues {
  /** Tokens of Latchkey and beginnings of them, each once. If there are several, it is unclear which key is meant. */
  readonly own: readonly OwnToken[];
  /** IDs of keys. */
  readonly ids: readonly string[];
  /** Lookup IDs without a prefix, or their first six or more characters. */
  readonly lookups: readonly string[];
  /** Words as long as a lookup ID that are probably names, such as `findMatchingKeys`. At most {@link MAX_WORDS}. */
  readonly names: readonly string[];
  /** SHA-256 digests, in lower-case hexadecimal. */
  readonly digests: readonly string[];
  /** Words that may be tokens of another system. They are secrets. At most one more than {@link MAX_WORDS}. */
  readonly secrets: readonly string[];
  /** The text, if it is a single word of visible ASCII: it may be the prefix of an imported key, or a part of a name. */
  readonly word: string | null;
}

/**
 * Finds everything in a text by which a key can be found. The text may be a token or a part of one, with any text around it, such
 * as `Authorization: Bearer …`, JSON, a command, a URL or an e-mail. The time that it takes is proportional to the length of the text.
 *
 * @param text at most {@link MAX_TEXT} characters; the rest is ignored
 */
export function cluesIn(text: string): Clues {
  const plain = readingsOf(text.slice(0, MAX_TEXT));
  const seen = unique(plain.map(withoutDigests).flatMap(secretWordsIn)).slice(0, MAX_WORDS + 1);
  const hidden = seen.flatMap((word) => textOfBase64(word) ?? []);
  const readings = [...plain, ...hidden];
  const words = unique([...seen, ...hidden.flatMap(secretWordsIn)]);
  const word = singleWord(plain[0] ?? '');

  const own = distinct([...readings.flatMap(bareTokensIn), ...readings.flatMap(ownTokensIn)]);
  const ids = unique(readings.flatMap((reading) => idsIn(reading, word)));
  const digests = unique(readings.flatMap(digestsIn));
  // Beside a longer part of a token, a word may be a part of its secret.
  const isShown = own.every(({ lookup }) => lookup.length <= SHOWN_LENGTH);
  const found = !isShown ? [] : readings.map((reading) => lookupsIn(reading, word));
  const lookups = unique(found.flatMap((one) => one.lookups));
  const names = unique(found.flatMap((one) => one.names)).slice(0, MAX_WORDS);
  const written = unique(readings.flatMap(writtenDigestsIn));
  const isKnown = (secret: string): boolean =>
    isOfLookups(secret, lookups) ||
    own.some((token) => token.word !== null && secret.includes(token.word)) ||
    ids.some((id) => secret.includes(id)) ||
    // Quoted-printable would decode the = before a digest together with its first two characters.
    written.some((digest) => secret.toLowerCase().includes(digest.slice(2)));
  const secrets = own.some(({ isCertain }) => isCertain) ? [] : words.filter((secret) => !isKnown(secret));
  return { own, ids, lookups, names, digests, secrets: secrets.slice(0, MAX_WORDS + 1), word };
}

/** Returns whether a word has only lookup IDs and an ordinary word, as when the words of several lines were joined. */
function isOfLookups(secret: string, lookups: readonly string[]): boolean {
  const known = lookups.filter((lookup) => secret.includes(lookup));
  const rest = known.reduce((text, lookup) => text.replaceAll(lookup, ''), secret);
  return known.length > 0 && /^[A-Z]?[a-z]*$/.test(rest);
}

const STATES = ['beginning', 'mistyped', 'whole'] as const;

/** Returns each token once, in its most complete form; without what may be a name if there is a token that is certain. */
function distinct(tokens: readonly OwnToken[]): readonly OwnToken[] {
  const found: OwnToken[] = [];
  for (const token of tokens) {
    const same = found.findIndex((one) => one.lookup.startsWith(token.lookup) || token.lookup.startsWith(one.lookup));
    const other = found[same];
    if (other === undefined) found.push(token);
    else if (completeness(token) >= completeness(other)) found[same] = token;
  }
  const certain = found.filter(({ isCertain }) => isCertain);
  return certain.length > 0 ? certain : found;
}

function completeness({ state, lookup }: OwnToken): number {
  return STATES.indexOf(state) * 100 + lookup.length;
}

/** Returns the text without quotes around it and without the mark of a part that was left out; null if it has several words. */
function singleWord(text: string): string | null {
  const word = text
    .trim()
    .replace(/^["'`“‘<]{1,3}/, '')
    .replace(/["'`”’>,;.…*•]{1,12}$/, '');
  return /^[\x21-\x7e]+$/.test(word) && word.length <= MAX_WORD ? word : null;
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
