/**
 * Every text that people write is normalised, measured and judged by this folder, so that the API, the stores, the command
 * line and the dashboard agree. It imports nothing, so that code for browsers can use it.
 */

/** Scripts whose letters change their shape next to a joiner: those of Arabic and Mongolian, and of South and South-East Asia. */
const SHAPED = (
  'Adlm Arab Mand Mani Mong Nkoo Phag Rohg Syrc Bali Beng Cakm Deva Gran Gujr Guru Java Khmr Khoj Knda Kthi Lana Limb ' +
  'Mlym Modi Mymr Newa Orya Saur Sidd Sind Sinh Sund Sylo Takr Taml Telu Tibt Tirh'
).replace(/\w+ ?/g, (script) => `\\p{scx=${script.trim()}}`);
const LETTER = String.raw`(?=[\p{L}\p{M}])[${SHAPED}]`;

/**
 * The joiners U+200C and U+200D where they shape what is read: between letters of some scripts, as in Persian and Sinhala,
 * between emoji, and in Malayalam after a virama at the end of a word. In other places, as in Latin text, they are invisible.
 */
const EMOJI_END = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]`;
const JOINER = String.raw`(?<=${LETTER})[\u200c\u200d](?=${LETTER})|(?<=${EMOJI_END})\u200d(?=\p{Extended_Pictographic})|(?<=\u0d4d)\u200d`;

/**
 * Variation selectors where they select a glyph: of an emoji, of a keycap, of a Han character in names of people and places, and of
 * a Mongolian letter. In other places they are invisible.
 */
const SELECTOR = String.raw`(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=\p{Emoji_Presentation})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=\p{Script=Han})[\u{e0100}-\u{e01ef}]|(?<=\p{Script=Mongolian})[\u180b-\u180d\u180f]`;

/** Selectors of the glyph that an emoji has anyway. Keyboards add them. */
const REDUNDANT_SELECTOR =
  /(?<=\p{Emoji_Presentation})\ufe0f|(?<=\p{Extended_Pictographic}(?<!\p{Emoji_Presentation}))\ufe0e/gu;

/**
 * The flags of England, Scotland and Wales: a black flag and tag characters. Other tag characters are not allowed, since
 * they are invisible and can spell any text.
 */
const FLAG = ['gbeng', 'gbsct', 'gbwls']
  .map((region) => `\\u{1f3f4}${region.replace(/./g, (letter) => `\\u{${tagOf(letter)}}`)}\\u{e007f}`)
  .join('|');

/**
 * Controls, formats (directions, invisible spaces, tags, the byte order mark), line separators, unpaired surrogates, and all other
 * characters that are drawn as nothing, such as the combining grapheme joiner. They would let a name forge lines of a log or a
 * list, or look like another name.
 */
const UNWANTED = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\u{16fe4}\u{1d159}\ufffc]`;

let pattern: RegExp | null = null;

/** Created when it is first needed: to parse and compile it takes 7 ms, a tenth of the start of a command. */
const shapingOrUnwanted = (): RegExp => (pattern ??= new RegExp(`(${FLAG}|${JOINER}|${SELECTOR})|${UNWANTED}`, 'gu'));

/** Text without anything that the patterns of this file look for. Most text is. */
const PLAIN = /^[ -~]*$/;

/** The most UTF-16 units that compose to one code point: U+16126 and its neighbours are 3 code points of 2 units each. */
const MOST_UNITS = 6;

const MARKS_IN_A_ROW = 30;

/** Only looks from the first mark of a row, or each mark of a row would be read 30 times. */
const PILED_MARKS = new RegExp(`(?<!\\p{M})\\p{M}{${MARKS_IN_A_ROW + 1}}`, 'u');

/** Spaces, and what is drawn as nothing. */
const BLANK = /^[\s\p{Default_Ignorable_Code_Point}\u2800\u{16fe4}\u{1d159}]*$/u;

const LINE_BREAKS_AND_TABS = new Set(['\n', '\r', '\t']);

/**
 * Returns the composed form (NFC), without variation selectors that have no effect, so that texts that look the same are equal, however
 * they were typed. A text with more than
 * 30 combining marks in a row is returned as it is: normalising sorts such a run, in time that grows with its square (240 kB
 * took 17 s). No language needs that many: Unicode's Stream-Safe Text Format (UAX #15, section 13) has the same limit.
 */
export function normalise(text: string): string {
  if (PLAIN.test(text)) return text;
  if (PILED_MARKS.test(text)) return text;
  const composed = text.normalize('NFC');
  return /[\ufe0e\ufe0f]/.test(composed) ? composed.replace(REDUNDANT_SELECTOR, '') : composed;
}

/** Counts code points: an emoji outside the basic plane is one. Not graphemes, which have no bound and change with Unicode. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Returns whether the text is invisible. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/**
 * Finds the first character that text for people may not contain.
 * @param options.lines whether line breaks and tabs are allowed. Default: false
 * @returns its name, such as `U+202E`; null where there is none
 */
export function unwantedIn(text: string, { lines = false } = {}): string | null {
  if (PLAIN.test(text)) return null;
  for (const [character, shaping] of text.matchAll(shapingOrUnwanted())) {
    if (shaping !== undefined || (lines && LINE_BREAKS_AND_TABS.has(character))) continue;
    return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return null;
}

/**
 * Returns whether a text is certainly longer than a number of code points, even if it is composed. It doesn't read the
 * text, so call it before any function that does: one operation can repeat a large text for each of its aliases.
 */
export function isFarLonger(text: string, max: number): boolean {
  return text.length > max * MOST_UNITS;
}

/** Returns whether a text, once composed, has more than `max` code points. */
export function isLonger(text: string, max: number): boolean {
  return isFarLonger(text, max) || lengthOf(normalise(text)) > max;
}

/** Says what is wrong with a text for people; null: nothing. @param max in code points @param options see {@link unwantedIn} */
export function faultOfText(text: string, max: number, options: { readonly lines?: boolean } = {}): string | null {
  if (isLonger(text, max)) return tooLong(max);
  if (PILED_MARKS.test(text)) return `has more than ${MARKS_IN_A_ROW} combining marks in a row. Remove them`;
  const unwanted = unwantedIn(text, options);
  return unwanted === null ? null : `contains the invisible or control character ${unwanted}. Remove it`;
}

/** Says that a text has more than `max` code points. */
export function tooLong(max: number): string {
  return `is longer than ${max} characters (Unicode code points). Shorten it`;
}

/** Replaces each character that {@link unwantedIn} finds. */
export function replaceUnwanted(text: string, replacement: (character: string) => string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(shapingOrUnwanted(), (character: string, shaping: string | undefined) =>
    shaping === undefined ? replacement(character) : character,
  );
}

function tagOf(letter: string): string {
  return (0xe0000 + (letter.codePointAt(0) ?? 0)).toString(16);
}
