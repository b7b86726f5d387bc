import { decodeOnce, joinLines, type Decoded } from '../../shared/text/clues/decode.js';
import { nextToken, type PlacedToken } from '../../shared/text/wholeToken.js';
import { decodedBase64 } from './base64Tokens.js';

/** Such as a link inside a link, or registry credentials in a Kubernetes Secret, which are base64 inside base64. */
const MAX_ENCODINGS = 3;

/**
 * Finds whole tokens in a text, including those that are percent-encoded, escaped as in JSON, JavaScript or HTML, quoted-printable or in
 * base64, and those that are encoded in several of these ways. The time is proportional to the length of the text.
 *
 * @param text one character for each byte
 * @returns each token once, by its place in the text
 */
export function encodedTokens(text: string): readonly PlacedToken[] {
  const found = new Map<number, string>();
  look({ text, placeOf: (index) => index }, MAX_ENCODINGS, found);
  return [...found].map(([index, token]) => ({ index, token })).sort((a, b) => a.index - b.index);
}

function look(reading: Decoded, encodings: number, found: Map<number, string>): void {
  for (
    let next = nextToken(reading.text);
    next !== null;
    next = nextToken(reading.text, next.index + next.token.length)
  ) {
    found.set(reading.placeOf(next.index), next.token);
  }
  if (encodings === 0) return;
  for (const decoded of decodings(reading.text)) {
    look({ text: decoded.text, placeOf: (index) => reading.placeOf(decoded.placeOf(index)) }, encodings - 1, found);
  }
}

function* decodings(text: string): Generator<Decoded> {
  const unescaped = decodeOnce(text, false);
  if (unescaped !== null) yield unescaped;
  const printable = decodeOnce(text, true);
  if (printable !== null && printable.text !== unescaped?.text) yield printable;
  const joined = joinLines(text);
  for (const decoded of decodedBase64(joined.text)) {
    yield { text: decoded.text, placeOf: (index) => joined.placeOf(decoded.placeOf(index)) };
  }
}
