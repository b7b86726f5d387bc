import { isExact } from './exact.js';

/**
 * A double keeps every number of 15 digits with an exponent of two. A text without a longer number needs no further
 * check.
 */
const SUSPECT = /[\d.]{16}|[eE][+-]?\d{3}/;

/** The first altered number of each object or list, as it was written. */
const altered = new WeakMap<object, string>();

/**
 * Records the numbers of parsed JSON that JSON.parse altered, for {@link alteredIn}. Node 20 does not pass the written
 * number to a reviver, and rejecting the whole text would be wrong, because a Float may be rounded.
 *
 * @param text valid JSON
 * @param value the result of parsing it
 */
export function noteAltered(text: string, value: unknown): void {
  if (!SUSPECT.test(text)) return;
  const levels: Level[] = [{ container: [value], index: 0, key: null }];
  walk(text, {
    open(isList) {
      levels.push({ container: childOf(levels.at(-1), text), index: isList ? 0 : -1, key: null });
    },
    close() {
      levels.pop();
      next(levels.at(-1));
    },
    text(from, to) {
      const level = levels.at(-1);
      if (level?.index === -1 && level.key === null) level.key = { from, to };
      else next(level);
    },
    number(token) {
      const level = levels.at(-1);
      if (token !== null && isObject(level?.container) && !altered.has(level.container) && !isExact(token)) {
        altered.set(level.container, token.slice(0, SHOWN));
      }
      next(level);
    },
    word: () => next(levels.at(-1)),
  });
}

/** The object or list that begins here; null if a later member has the same name and replaced it. */
function childOf(level: Level | undefined, text: string): unknown {
  if (level === undefined || !isObject(level.container)) return null;
  const { container, index, key } = level;
  const name = key === null ? String(index) : (JSON.parse(text.slice(key.from, key.to)) as string);
  return Object.hasOwn(container, name) ? (container as Record<string, unknown>)[name] : null;
}

function next(level: Level | undefined): void {
  if (level === undefined) return;
  level.key = null;
  if (level.index !== -1) level.index += 1;
}

/** Returns the first number of a valid JSON text that parsing would alter, as it is written; null if none. */
export function alteredInText(text: string): string | null {
  let first: string | null = null;
  const ignore = (): void => undefined;
  const number = (token: string | null): void => {
    if (first === null && token !== null && !isExact(token)) first = token.slice(0, SHOWN);
  };
  if (SUSPECT.test(text)) walk(text, { open: ignore, close: ignore, text: ignore, word: ignore, number });
  return first;
}

/** Returns the numbers of a valid JSON text that parsing would alter, and their positions, in order. */
export function alteredNumbers(text: string): readonly { readonly token: string; readonly from: number }[] {
  const found: { token: string; from: number }[] = [];
  const ignore = (): void => undefined;
  const number = (token: string | null, from: number): void => {
    if (token !== null && !isExact(token)) found.push({ token, from });
  };
  if (SUSPECT.test(text)) walk(text, { open: ignore, close: ignore, text: ignore, word: ignore, number });
  return found;
}

/** Returns the first number directly in an object or a list that parsing altered, as it was written; null if none. */
export function alteredIn(container: object): string | null {
  return altered.get(container) ?? null;
}

/** The digits of a number that an error shows. */
const SHOWN = 40;

interface Level {
  /** Not an object if a later member with the same name replaced it. */
  readonly container: unknown;
  /** The index of the next item; -1 if it is not a list. */
  index: number;
  /** The position of the next member's name in the text, with its quotes; null if there was none yet. */
  key: { readonly from: number; readonly to: number } | null;
}

/** The callbacks of {@link walk} for each part of a JSON text. `from` and `to` of a string include its quotes. */
interface Visitor {
  open(isList: boolean): void;
  close(): void;
  text(from: number, to: number): void;
  /** @param token null if it is so short that it is exact @param from its position */
  number(token: string | null, from: number): void;
  /** For true, false and null. */
  word(): void;
}

/** The shortest number that a double does not keep has an exponent of three digits: 1e309. */
const SHORTEST = 5;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

/**
 * Calls the visitor for each part of a valid JSON text, in order.
 *
 * Compares characters: a pattern for tokens takes ten times as long, and a caller can send a body that only consists of
 * `1,1,1`.
 */
export function walk(text: string, visitor: Visitor): void {
  let at = 0;
  while (at < text.length) {
    const from = at;
    const code = text.charCodeAt(at);
    at += 1;
    if (code === QUOTE) {
      for (let inner = text.charCodeAt(at); inner !== QUOTE; inner = text.charCodeAt(at))
        at += inner === BACKSLASH ? 2 : 1;
      at += 1;
      visitor.text(from, at);
    } else if (code === 0x7b || code === 0x5b) visitor.open(code === 0x5b);
    else if (code === 0x7d || code === 0x5d) visitor.close();
    else if (code === MINUS || isDigit(code)) {
      while (isOfNumber(text.charCodeAt(at))) at += 1;
      visitor.number(at - from < SHORTEST ? null : text.slice(from, at), from);
    } else if (code === 0x74 || code === 0x66 || code === 0x6e) {
      // true, false and null.
      at += code === 0x66 ? 4 : 3;
      visitor.word();
    }
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Digits, `+`, `-`, `.`, `E` and `e`. */
function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2b || code === MINUS || code === 0x2e || code === 0x45 || code === 0x65;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
