/** A text that was decoded from another one. */
export interface Decoded {
  readonly text: string;
  /** Returns where a character of `text` begins in the encoded text. */
  placeOf(index: number): number;
}

/**
 * Percent-encoding (also `%u005f`), quoted-printable (with its soft line breaks), escapes of JSON, JavaScript, Python, C, HTML and
 * Markdown. A decimal code without a semicolon is read only if it is an ASCII code, because a digit may follow it. `\U000000…` comes before `\u00…`, which would match a part of it.
 */
const ENCODED =
  /%(?:u00)?([0-9a-f]{2})|=([0-9A-F]{2})|=\r?\n|\\U000000([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\u\{0{0,6}([0-9a-f]{2})\}|\\x([0-9a-f]{2})|\\([01][0-7]{2})|\\([_.~\-/+])|&#x0{0,6}([0-9a-f]{1,2});?|&#(\d{1,9});|&#0{0,6}(1[01]\d|12[0-7]|[3-9]\d|1[03]|9)|&(amp|quot|apos|lowbar|underbar|equals|period|lt|gt|nbsp);/gi;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
  ['lowbar', '_'],
  ['underbar', '_'],
  ['equals', '='],
  ['period', '.'],
  ['lt', '<'],
  ['gt', '>'],
  ['nbsp', ' '],
]);

/**
 * Decodes a text once. A reader tries it with and without quoted-printable, which would decode `=ab` in `?key=ab12` too.
 *
 * @param isPrintable whether to decode quoted-printable
 * @returns null if nothing is encoded
 */
export function decodeOnce(text: string, isPrintable: boolean): Decoded | null {
  const pieces = new Pieces();
  let from = 0;
  for (const match of text.matchAll(ENCODED)) {
    if (!isPrintable && match[0].startsWith('=')) continue;
    pieces.add(text.slice(from, match.index), from);
    pieces.add(characterOf(match), match.index);
    from = match.index + match[0].length;
  }
  if (from === 0) return null;
  pieces.add(text.slice(from), from);
  return pieces.decoded();
}

/** A digit of base64, and a line break after it, with the indentation of YAML or as JSON writes it. */
const WRAPPED = /[\w+/-](?:\r?\n[ \t]{0,40}|(?:\\r)?\\n)(?=[\w+/-]{4})/g;

/** Removes the line breaks from base64, and from other text that looks like it. */
export function joinLines(text: string): Decoded {
  const pieces = new Pieces();
  let from = 0;
  for (const match of text.matchAll(WRAPPED)) {
    pieces.add(text.slice(from, match.index + 1), from);
    from = match.index + match[0].length;
  }
  pieces.add(text.slice(from), from);
  return pieces.decoded();
}

/** Puts a text together, and remembers where its pieces come from. */
class Pieces {
  readonly #texts: string[] = [];
  /** Where each piece begins in the decoded text. */
  readonly #starts: number[] = [];
  readonly #places: number[] = [];
  #length = 0;

  /** Adds a text that is not encoded at `place`, or one character that is. */
  add(text: string, place: number): void {
    if (text === '') return;
    this.#texts.push(text);
    this.#starts.push(this.#length);
    this.#places.push(place);
    this.#length += text.length;
  }

  decoded(): Decoded {
    const [starts, places] = [this.#starts, this.#places];
    return {
      text: this.#texts.join(''),
      placeOf(index) {
        let low = 0;
        for (let high = starts.length; high - low > 1;) {
          const middle = (low + high) >>> 1;
          if ((starts[middle] ?? 0) <= index) low = middle;
          else high = middle;
        }
        return (places[low] ?? 0) + index - (starts[low] ?? 0);
      },
    };
  }
}

function characterOf(match: RegExpMatchArray): string {
  const [, percent, printable, long, json, braced, byte, octal, escaped, hex, decimal, open, entity] = match;
  if (escaped !== undefined) return escaped;
  if (entity !== undefined) return ENTITIES.get(entity.toLowerCase()) ?? ' ';
  if (decimal !== undefined || open !== undefined) return ascii(Number(decimal ?? open));
  if (octal !== undefined) return ascii(Number.parseInt(octal, 8));
  const digits = percent ?? printable ?? long ?? json ?? braced ?? byte ?? hex;
  // A soft line break has nothing to decode.
  return digits === undefined ? '' : ascii(Number.parseInt(digits, 16));
}

/** Only ASCII is of interest: no token has other characters. */
function ascii(code: number): string {
  return code < 0x80 ? String.fromCharCode(code) : ' ';
}
