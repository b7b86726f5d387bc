import { looksSecret, mayBeSecret } from './looksSecret.js';

/** The longest word that may be a token: the length of the longest credential. */
export const MAX_WORD = 256;

/** A text with more words that look like secrets is refused. */
export const MAX_WORDS = 32;

/** The shortest part of a word that is looked at. */
const MIN_WORD = 8;

/** The maximum number of words that are joined across lines. */
const MAX_WRAPPED = 200;

/** How many lines a token of another system may be wrapped to. */
const MAX_LINES = 8;

/** Quotes, brackets, backslashes, white space and everything beyond ASCII end a word. */
const BETWEEN = /[^\x21-\x7e]|["'`,;\\<>(){}[\]|]/;

/** An address, and the name and value of an assignment. */
const CONTAINER = /^\w{0,20}:?\/\/|^[\w.-]{1,60}=(?=[^=]{8})/;

/** How many characters before a word are looked at for a label. */
const MAX_LABEL = 60;

const LABELS = 'token|key|secret|password|passwd|pwd|credentials?|auth|authorization|bearer|apikey';

/** A name, a separator, and what may stand before the value: `API_KEY="`, `"token": "`, `--api-key `, `Authorization: Bearer `. */
const LABEL = new RegExp(
  `(?:${LABELS})["' ]{0,3}(?:=|:|=>|:=)\\s{0,9}["']?$|--?[\\w-]{0,30}(?:${LABELS})\\s["']?$`,
  'i',
);
const SCHEME = /(?:^|[:=\s"'])(?:Bearer|Basic|Token|ApiKey|Api-Key|-u)\s["']?$/i;

/** A part of a text, and where it begins. */
interface Placed {
  readonly word: string;
  readonly index: number;
}

/**
 * Returns the words of a text that may be tokens of another system, each once; at most one more than {@link MAX_WORDS}. They are
 * secrets.
 */
export function secretWordsIn(text: string): readonly string[] {
  const found = new Set<string>();
  for (const chunk of chunksOf(text)) {
    for (const { word, index } of partsOf(chunk)) {
      if (looksSecret(word) || (mayBeSecret(word) && isLabelled(text, index))) found.add(word);
      if (found.size > MAX_WORDS) return [...found];
    }
  }
  let wrapped = 0;
  for (const word of wrappedWordsOf(text)) {
    if (looksSecret(word)) found.add(word);
    wrapped += 1;
    if (found.size > MAX_WORDS || wrapped > MAX_WRAPPED) break;
  }
  return [...found];
}

/** The parts of a text between white space, quotes and brackets. */
export function chunksOf(text: string): readonly Placed[] {
  const chunks: Placed[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && !BETWEEN.test(text.charAt(at))) continue;
    if (at > from) chunks.push({ word: text.slice(from, at), index: from });
    from = at + 1;
  }
  return chunks;
}

/** Returns the word without punctuation and masks around it. */
export function trimmedWord(word: string): string {
  let from = 0;
  let to = word.length;
  while (from < to && '.:!?*=&'.includes(word.charAt(from))) from += 1;
  while (to > from && '.:!?*&'.includes(word.charAt(to - 1))) to -= 1;
  return word.slice(from, to);
}

/**
 * A chunk as it is and its parts: the value of an assignment, the parameters of a URL, its user and password, the parts of its
 * path.
 */
function* partsOf(chunk: Placed): Generator<Placed> {
  const seen = new Set<number>();
  const lists = [[chunk], splitAt(chunk, '?&#'), splitAt(chunk, '?&#/:@=')];
  for (const part of lists.flatMap((list, i) => (i === 1 ? list.flatMap(withValues) : list))) {
    const word = trimmedWord(part.word);
    const index = part.index + part.word.indexOf(word);
    const place = index * (MAX_WORD + 1) + word.length;
    if (word.length < MIN_WORD || word.length > MAX_WORD || seen.has(place) || CONTAINER.test(word)) continue;
    seen.add(place);
    yield { word, index };
  }
}

/** A part, and what follows the first `=`, `:` and `@` in it. */
function withValues(part: Placed): readonly Placed[] {
  const values = ['=', ':', '@'].flatMap((separator) => {
    const at = part.word.indexOf(separator);
    return at < 0 ? [] : { word: part.word.slice(at + 1), index: part.index + at + 1 };
  });
  return [part, ...values];
}

function splitAt({ word, index }: Placed, separators: string): readonly Placed[] {
  const parts: Placed[] = [];
  let from = 0;
  for (let at = 0; at <= word.length; at++) {
    if (at < word.length && !separators.includes(word.charAt(at))) continue;
    if (at > from) parts.push({ word: word.slice(from, at), index: index + from });
    from = at + 1;
  }
  return parts;
}

/** Returns whether something before the word says that it is a secret. */
export function isLabelled(text: string, index: number): boolean {
  const before = text.slice(Math.max(0, index - MAX_LABEL), index);
  return LABEL.test(before) || SCHEME.test(before);
}

/** Joins a wrapped word: the last word of a line, the lines after it that have only one word, and the first word after those. */
function* wrappedWordsOf(text: string): Generator<string> {
  const lines = text.split('\n').map((line) => line.replace(/^[>\s]{1,40}/, ''));
  for (let i = 0; i < lines.length - 1; i++) {
    const last = chunksOf((lines[i] ?? '').slice(-MAX_WORD)).at(-1)?.word ?? '';
    if (last.length < MIN_WORD || !mayBeSecret(last)) continue;
    let rest = '';
    for (const line of lines.slice(i + 1, i + MAX_LINES)) {
      const [next, ...others] = chunksOf(line.slice(0, MAX_WORD));
      if (next === undefined) break;
      rest += next.word;
      for (const { word } of partsOf({ word: last + rest, index: 0 })) if (word.endsWith(trimmedWord(rest))) yield word;
      if (others.length > 0) break;
    }
  }
}
