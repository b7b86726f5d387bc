import type { Decoded } from '../../shared/text/clues/decode.js';

/** The shortest token has 61 characters, or 82 in base64. */
const SHORTEST = 80;

/** 1 for the characters of base64 and base64url. */
const IS_DIGIT = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(/[0-9A-Za-z+/_-]/.test(String.fromCharCode(code))),
);

/** A base64 text that indicates a possible token. */
interface Marker {
  readonly text: string;
  /** The number of characters between the start of its group of four and the text, modulo 4. */
  readonly skip: number;
}

/**
 * Every token has `live` or `test` in it. Their form in base64 depends on their position in a group of three bytes, so each
 * has three forms. Includes UTF-16 in base64, as in PowerShell commands, and base64 in base64.
 */
const MARKERS = ['live', 'test'].flatMap((word) => {
  const forms = markersOf(word);
  return [...forms, ...markersOf(word.split('').join('\0')), ...forms.flatMap(({ text }) => markersOf(text))];
});

/**
 * Returns the decoded base64 at each place with a possible token. The time is proportional to the length of the text.
 */
export function* decodedBase64(text: string): Generator<Decoded> {
  for (const [from, to] of runsOf(text)) {
    const run = text.slice(from, to);
    for (const begin of beginningsIn(run)) {
      const bytes = Buffer.from(run.slice(begin), 'base64').toString('latin1');
      // For UTF-16, only ASCII characters.
      const isWide = bytes.includes('\0');
      const text = isWide ? bytes.replaceAll('\0', '') : bytes;
      const places = isWide ? placesOf(bytes) : null;
      yield { text, placeOf: (index) => from + begin + Math.floor(((places?.[index] ?? index) * 4) / 3) };
    }
  }
}

/** The positions of the characters other than NUL. */
function placesOf(bytes: string): readonly number[] {
  const places: number[] = [];
  for (let at = 0; at < bytes.length; at++) if (bytes.charCodeAt(at) !== 0) places.push(at);
  return places;
}

/** Finds sequences of base64 characters that are long enough for a token. */
function* runsOf(text: string): Generator<readonly [from: number, to: number]> {
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && IS_DIGIT[text.charCodeAt(at)] === 1) continue;
    if (at - from >= SHORTEST) yield [from, at];
    from = at + 1;
  }
}

/** The possible starts of groups of four, according to the markers: 0 to 3. */
function beginningsIn(run: string): ReadonlySet<number> {
  const beginnings = new Set<number>();
  for (const { text, skip } of MARKERS) {
    for (let at = run.indexOf(text); at >= 0 && beginnings.size < 4; at = run.indexOf(text, at + 1)) {
      beginnings.add((at - skip + 4) % 4);
    }
  }
  return beginnings;
}

/** Returns the base64 characters that depend only on the word, for each of the three positions. */
function markersOf(word: string): readonly Marker[] {
  return [0, 1, 2].map((before) => {
    const skip = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + word.length) * 8) / 6);
    const text = Buffer.from('\0'.repeat(before) + word, 'latin1')
      .toString('base64')
      .slice(skip, end);
    return { text, skip };
  });
}
