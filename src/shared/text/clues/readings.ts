import { decodeOnce } from './decode.js';

/** Removed first: characters that nobody sees, such as soft hyphens, joiners and byte order marks, and HTML's `<wbr>`. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|<wbr ?\/?>/giu;

/** White space in JSON and in programs. The letter is not part of the word after it. */
const ESCAPED_SPACE = /\\[bfnrtv]/g;

/** An encoded ellipsis. It shows that the text before it is only the beginning of a token. */
const ELLIPSIS = /%E2%80%A6|=E2(?:=\r?\n)?=80(?:=\r?\n)?=A6|\\u2026|&hellip;|&#8230;|&#x2026;/gi;

/** Text is encoded twice in, for example, a link inside of a link. */
const MAX_ENCODINGS = 3;

/**
 * Returns the ways in which a text can be read: as it is, and decoded as often as that changes it. A token in a URL, an e-mail,
 * a JSON string or a Markdown page is plain in one of them.
 */
export function readingsOf(text: string): readonly string[] {
  // Without the NULs of UTF-16.
  const plain = text.replaceAll('\0', '').replace(INVISIBLE, '');
  const readings = new Set([plain]);
  for (const isPrintable of [false, true]) {
    let reading = plain;
    for (let times = 0; times < MAX_ENCODINGS; times++) {
      const spaced = reading.replace(ESCAPED_SPACE, ' ').replace(ELLIPSIS, '…');
      reading = decodeOnce(spaced, isPrintable)?.text ?? spaced;
      readings.add(reading);
    }
  }
  return [...readings];
}
