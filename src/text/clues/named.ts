import { bytesOfBase64 } from './base64.js';
import { chunksOf, isLabelled, trimmedWord } from './words.js';

const WHOLE_ID = /^(?:key|conf)_[0-9A-Za-z]{1,32}$/;
const ID = /(?<!\w)(?:key|conf)_[0-9A-Za-z]{8,32}(?!\w)/g;

const DIGEST = /sha-?256["']?[:=-]\s?["']?(?:([0-9a-f]{64})(?![0-9a-z])|([0-9a-z+/_-]{43})(?:=|(?![0-9a-z+/_-])))/gi;

const LABELLED_LOOKUP = /look[-_ ]?up(?:[-_ ]?id)?["']?(?: is|\s?[:=])?\s["'`]?([0-9A-Za-z]{6,16})(?![0-9A-Za-z])/gi;
const LOOKUP_VALUE = /look[-_ ]?up(?:[-_ ]?id)?["']?[:=]["'`]?([0-9A-Za-z]{6,16})(?![0-9A-Za-z])/gi;
const BARE = /^[0-9A-Za-z]{6,16}$/;
const WHOLE_LOOKUP = /^[0-9A-Za-z]{16}$/;

/** Returns IDs of keys. @param word the text, if it is a single word */
export function idsIn(text: string, word: string | null): readonly string[] {
  if (word !== null && WHOLE_ID.test(word)) return [word];
  // Not the `key_identifier` of a program.
  return (text.match(ID) ?? []).filter((id) => /[0-9A-Z]/.test(id));
}

/** Returns SHA-256 digests that the text calls so, in lower-case hexadecimal. Without its name a digest may itself be a token. */
export function digestsIn(text: string): readonly string[] {
  return [...text.matchAll(DIGEST)].flatMap(([, hex, base64]) => {
    if (hex !== undefined) return hex.toLowerCase();
    const bytes = bytesOfBase64(base64 ?? '');
    return bytes?.length === 32 ? hexOf(bytes) : [];
  });
}

export function withoutDigests(text: string): string {
  return text.replace(DIGEST, ' ');
}

/** Returns lookup IDs, or their beginnings, without a prefix. @param word the text, if it is a single word */
export function lookupsIn(text: string, word: string | null): readonly string[] {
  if (word !== null && BARE.test(word)) return [word];
  const labelled = [...text.matchAll(LABELLED_LOOKUP), ...text.matchAll(LOOKUP_VALUE)].flatMap(([, id = '']) =>
    /[0-9A-Z]/.test(id) ? id : [],
  );
  const others = chunksOf(text).filter((chunk) => isLookup(trimmedWord(chunk.word)) && !isLabelled(text, chunk.index));
  return [...labelled, ...others.map((chunk) => trimmedWord(chunk.word))];
}

/** Returns whether a word is as random as a lookup ID. A word of sixteen letters is not. */
function isLookup(word: string): boolean {
  return WHOLE_LOOKUP.test(word) && /[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word);
}

function hexOf(bytes: string): string {
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
