import { isUnusual } from './looksSecret.js';
import { BODY_LENGTH, LOOKUP_LENGTH } from '../tokenShape.js';
import { KNOWN_PREFIXES } from '../prefixes.js';
import { isToken } from '../wholeToken.js';

/** A token of Latchkey, or its beginning, as it was found in a text. */
export interface OwnToken {
  /** `whole` if the checksum is correct. `mistyped`: the length is right, the checksum wrong. `beginning`: characters are missing. */
  readonly state: 'whole' | 'mistyped' | 'beginning';
  /** Type and environment, as in `lks_live`; null: only the body was given. */
  readonly tokenPrefix: string | null;
  /** The lookup ID, or its first characters. Never a part of the secret. */
  readonly lookup: string;
  /** The word as it was written, which may be a token of another system: a secret. null if it can only be one of Latchkey's. */
  readonly word: string | null;
  /** Whether the text has a part of the secret. */
  readonly hasSecret: boolean;
  /** false if it may also be a name with digits or capitals, such as `run_test_Suite2`. */
  readonly isCertain: boolean;
}

/** Where the body of a token may begin. */
const MARKER = /_(live|test)(?=_)/gi;

const MAX_TYPE = 10;

/** The longest word that is read: the length of the longest credential. */
const MAX_WORD = 256;

/** A body that is this much too long is a mistyped one, with characters after it. */
const MAX_EXCESS = 8;

/** The most characters between the parts of a token that was wrapped: line breaks, quoting, indentation. */
const MAX_NOISE = 200;

const MASK = /^(?:…|\.{2,}|\*|•|·|█|▪|#|\[)/;

/** The checksum of other text matches one of these prefixes once in 350 million cases. */
const DEFAULTS = KNOWN_PREFIXES.flatMap((type) => [`${type}_live`, `${type}_test`]);

/** How many characters of the lookup ID lists show. One in 185 such beginnings has only lower-case letters, like a name. */
export const SHOWN_LENGTH = 6;

const BODY = /(?<![0-9A-Za-z])[0-9A-Za-z]{54}(?![0-9A-Za-z])/g;

/** Returns the tokens whose prefix is missing in the text, if they have one of the default prefixes. */
export function bareTokensIn(text: string): readonly OwnToken[] {
  return (text.match(BODY) ?? []).flatMap((body) => {
    if (!DEFAULTS.some((prefix) => isToken(`${prefix}_${body}`))) return [];
    const lookup = body.slice(0, LOOKUP_LENGTH);
    return { state: 'whole', tokenPrefix: null, lookup, word: null, hasSecret: true, isCertain: true } as const;
  });
}

/** Returns the tokens and beginnings of tokens in a text, in the order in which they occur. */
export function ownTokensIn(text: string): readonly OwnToken[] {
  const whole = text.trim().replace(/^["'`“‘]|["'`”’]$/g, '');
  return [...text.matchAll(MARKER)].flatMap((match) => {
    const environment = (match[1] ?? '').toLowerCase();
    return ownTokenAt(text, match.index, environment, whole) ?? [];
  });
}

/** @param marker the index of `_live_` or `_test_` @param whole the text without quotes around it */
function ownTokenAt(text: string, marker: number, environment: string, whole: string): OwnToken | null {
  const type = typeBefore(text, marker);
  const begin = marker + '_live_'.length;
  const run = runAt(text, begin, MAX_WORD);
  const types = Array.from({ length: type.length }, (_, i) => type.slice(i)).filter((one) => /^[a-z]/.test(one));
  const prefixOf = (body: string): string | undefined =>
    types.map((one) => `${one}_${environment}`).find((prefix) => isToken(`${prefix}_${body}`));

  for (const body of new Set([run.slice(0, BODY_LENGTH), joinedAt(text, begin)])) {
    const tokenPrefix = body.length === BODY_LENGTH ? prefixOf(body) : undefined;
    if (tokenPrefix !== undefined) {
      return {
        state: 'whole',
        tokenPrefix,
        lookup: body.slice(0, LOOKUP_LENGTH),
        word: null,
        hasSecret: true,
        isCertain: true,
      };
    }
  }
  if (run.length > BODY_LENGTH + MAX_EXCESS || types.length === 0) return null;
  const tokenPrefix = `${types[0]}_${environment}`;
  const word = text.slice(marker - type.length, begin + run.length);
  if (run.length >= BODY_LENGTH) {
    return {
      state: 'mistyped',
      tokenPrefix,
      lookup: run.slice(0, LOOKUP_LENGTH),
      word,
      hasSecret: true,
      isCertain: true,
    };
  }
  const isMasked = MASK.test(text.slice(begin + run.length, begin + run.length + 3)) || /(?:x{4}|X{4})$/.test(run);
  const lookup = withoutMask(run).slice(0, LOOKUP_LENGTH);
  // A name such as load_test_runner has neither digits nor capitals in its last part. If it is the whole text, it may be a prefix.
  const isName = !isMasked && !/[0-9A-Z]/.test(run);
  const isDefault = DEFAULTS.includes(tokenPrefix);
  const isShown = isDefault && run.length === SHOWN_LENGTH;
  if (isName && !isShown && (whole !== word || run.length > LOOKUP_LENGTH)) return null;
  const isCertain = isMasked || (isDefault && !(isName && isShown)) || (lookup.length >= 6 && isUnusual(lookup));
  return {
    state: 'beginning',
    tokenPrefix,
    lookup,
    word: isMasked ? null : word,
    hasSecret: run.length > LOOKUP_LENGTH,
    isCertain,
  };
}

/** The letters and digits before the marker that may be the type of a token. */
function typeBefore(text: string, marker: number): string {
  let from = marker;
  while (from > 0 && marker - from < MAX_TYPE && isBase62(text.charCodeAt(from - 1))) from -= 1;
  // The n of `\nlks_live_…` is part of an escape, and not of the token.
  if (text.charAt(from - 1) === '\\' && /[bfnrtv]/.test(text.charAt(from))) from += 1;
  return text.slice(from, marker).toLowerCase();
}

function runAt(text: string, from: number, most: number): string {
  let to = from;
  while (to - from < most && isBase62(text.charCodeAt(to))) to += 1;
  return text.slice(from, to);
}

/**
 * Returns the letters and digits of a body without the characters in between. The checksum shows whether they belong
 * together.
 */
function joinedAt(text: string, from: number): string {
  let body = '';
  let noise = 0;
  for (let at = from; at < text.length && body.length < BODY_LENGTH && noise <= MAX_NOISE; at++) {
    if (isBase62(text.charCodeAt(at))) body += text.charAt(at);
    else noise += 1;
  }
  return body;
}

/** `lks_live_Ab12xxxxxxxx`: systems mask with an x too. */
function withoutMask(run: string): string {
  const last = run.slice(-1);
  if (last !== 'x' && last !== 'X') return run;
  let end = run.length;
  while (run.charAt(end - 1) === last) end -= 1;
  return run.length - end < 4 ? run : run.slice(0, end);
}

function isBase62(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
