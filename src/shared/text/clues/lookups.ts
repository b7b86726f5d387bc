import { bytesOfBase64 } from './base64.js';
import { isNamed, isUnusual } from './looksSecret.js';
import { chunksOf, isLabelled, trimmedWord } from './secretWords.js';

const WHOLE_ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;
/** Not a part of a longer name. Markdown may have `_` around it. */
const ID = /(?<![0-9A-Za-z]_{0,2})(?:key|conf)_[0-9A-Za-z]{8,32}(?!_{0,2}[0-9A-Za-z])/g;

const DIGEST = /sha-?256["']?[:=-]\s?["']?(?:([0-9a-f]{64})(?![0-9a-z])|([0-9a-z+/_-]{43})(?:=|(?![0-9a-z+/_-])))/gi;

const LABELLED_LOOKUP = /look[-_ ]?up(?:[-_ ]?id)?["']?(?: is|\s?[:=])?\s["'`]?([0-9A-Za-z]{6,16})(?![0-9A-Za-z])/gi;
const LOOKUP_VALUE = /look[-_ ]?up(?:[-_ ]?id)?["']?[:=]["'`]?([0-9A-Za-z]{6,16})(?![0-9A-Za-z])/gi;
const BARE = /^[0-9A-Za-z]{6,16}$/;
const WHOLE_LOOKUP = /^[0-9A-Za-z]{16}$/;

const HEX = /^(?:[0-9a-f]+|[0-9A-F]+)$/;

/** Possible lookup IDs. */
interface Lookups {
  /** Lookup IDs or their beginnings. */
  readonly lookups: readonly string[];
  /** Words of the length of a lookup ID that are probably names or numbers. */
  readonly names: readonly string[];
}

/** Returns IDs of keys. @param word the text, if it is a single word */
export function idsIn(text: string, word: string | null): readonly string[] {
  if (word !== null && WHOLE_ID.test(word)) return [word];
  // Not the `key_identifier` of a program.
  return (text.match(ID) ?? []).filter((id) => /[0-9A-Z]/.test(id));
}

/** Returns the SHA-256 digests that the text labels as such, in lower-case hexadecimal. Without its name a digest may itself be a token. */
export function digestsIn(text: string): readonly string[] {
  return [...text.matchAll(DIGEST)].flatMap(([, hex, base64]) => {
    if (hex !== undefined) return hex.toLowerCase();
    const bytes = bytesOfBase64(base64 ?? '');
    return bytes?.length === 32 ? hexOf(bytes) : [];
  });
}

/** Returns the digests as they are written, in lower case. */
export function writtenDigestsIn(text: string): readonly string[] {
  return [...text.matchAll(DIGEST)].map(([, hex, base64]) => (hex ?? base64 ?? '').toLowerCase());
}

export function withoutDigests(text: string): string {
  return text.replace(DIGEST, ' ');
}

/** Returns lookup IDs, or their beginnings, without a prefix. @param word the text, if it is a single word */
export function lookupsIn(text: string, word: string | null): Lookups {
  if (word !== null && BARE.test(word)) return { lookups: [word], names: [] };
  const labelled = [...text.matchAll(LABELLED_LOOKUP), ...text.matchAll(LOOKUP_VALUE)].flatMap(([, id = '']) =>
    /[0-9A-Z]/.test(id) ? id : [],
  );
  // A digest may end in characters that look like a label.
  const rest = withoutDigests(text);
  const others = chunksOf(rest)
    .filter(({ index }) => !isLabelled(rest, index))
    .map((chunk) => trimmedWord(chunk.word))
    .filter((one) => WHOLE_LOOKUP.test(one));
  return {
    lookups: [...labelled, ...others.filter(isLookup)],
    names: others.filter(isName),
  };
}

/** Returns whether a word looks like a whole lookup ID. One of 140 looks like a name instead. */
export function isLookup(word: string): boolean {
  return WHOLE_LOOKUP.test(word) && !isName(word);
}

/** Returns whether a word of letters and digits is more likely a name or a number than a lookup ID. */
function isName(word: string): boolean {
  if (!/\d/.test(word)) return isNamed(word);
  if (/[a-z]/.test(word) && /[A-Z]/.test(word)) return false;
  return HEX.test(word) || !isUnusual(word);
}

function hexOf(bytes: string): string {
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
