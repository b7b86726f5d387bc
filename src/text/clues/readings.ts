/** Removed first: characters that nobody sees, such as soft hyphens, joiners and byte order marks, and HTML's `<wbr>`. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|<wbr ?\/?>/giu;

/**
 * Percent-encoding, quoted-printable (with its soft line breaks), escapes of JSON, HTML and Markdown. No alternative can match in
 * two ways, so that no text makes the search slow.
 */
const ENCODED =
  /%([0-9a-f]{2})|=([0-9A-F]{2})|=\r?\n|\\u00([0-9a-f]{2})|\\x([0-9a-f]{2})|\\([_.~\-/+])|&#x([0-9a-f]{1,2});|&#(\d{1,3});|&(amp|quot|apos|lowbar|equals|period);/gi;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
  ['lowbar', '_'],
  ['equals', '='],
  ['period', '.'],
]);

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
    const last = readings.at(-1) ?? '';
    const decoded = last.replace(ENCODED, decode);
    if (decoded === last) break;
    readings.push(decoded);
  }
  return readings;
}

function decode(
  _: string,
  percent?: string,
  printable?: string,
  json?: string,
  byte?: string,
  escaped?: string,
  hex?: string,
  decimal?: string,
  entity?: string,
): string {
  if (escaped !== undefined) return escaped;
  if (entity !== undefined) return ENTITIES.get(entity.toLowerCase()) ?? ' ';
  if (decimal !== undefined) return ascii(Number(decimal));
  const digits = percent ?? printable ?? json ?? byte ?? hex;
  // A soft line break has nothing to decode.
  return digits === undefined ? '' : ascii(Number.parseInt(digits, 16));
}

/** Only ASCII is of interest: no token has other characters. */
function ascii(code: number): string {
  return code < 0x80 ? String.fromCharCode(code) : ' ';
}
