import { randomBytes } from 'node:crypto';
import { alteredNumbers } from '../../shared/numbers/jsonNumbers.js';

/** Marks numbers as strings. Random, so that no text of an API can contain it. */
const MARK = `number-${randomBytes(16).toString('hex')}:`;

const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

/**
 * Parses JSON like JSON.parse, but replaces numbers that lose digits as a double by strings, which {@link writeExact} writes as the same
 * numbers again.
 *
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const numbers = alteredNumbers(text);
  if (numbers.length === 0) return value;
  let marked = '';
  let end = 0;
  for (const { token, from } of numbers) {
    marked += `${text.slice(end, from)}"${MARK}${token}"`;
    end = from + token.length;
  }
  return JSON.parse(marked + text.slice(end));
}

/** Returns the JSON of a value, with the numbers that {@link parseExact} replaced. */
export function writeExact(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replace(MARKED, '$1') : text;
}
