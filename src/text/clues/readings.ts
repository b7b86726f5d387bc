import { decodeOnce } from './decode.js';

/** Removed first: characters that nobody sees, such as soft hyphens, joiners and byte order marks, and HTML's `<wbr>`. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|<wbr ?\/?>/giu;

/** Text is encoded twice in, for example, a link inside of a link. */
const MAX_ENCODINGS = 3;

/**
 * Returns the ways in which a text can be read: as it is, and decoded as often as that changes it. A token in a URL, an e-mail,
 * a JSON string or a Markdown page is plain in one of them.
 */
export function readingsOf(text: string): readonly string[] {
  // Without the NULs of UTF-16.
  const readings = [text.replaceAll('\0', '').replace(INVISIBLE, '')];
  for (let times = 0; times < MAX_ENCODINGS; times++) {
    const decoded = decodeOnce(readings.at(-1) ?? '');
    if (decoded === null) break;
    readings.push(decoded.text);
  }
  return readings;
}
