import { replaceUnwanted } from '../shared/text/characters.js';

/**
 * Returns a text that someone else chose, such as a key's name, without effects on a terminal: ESC becomes `\u{1b}`. Direction marks and
 * other characters that change how text is displayed are escaped, too.
 */
export function visible(text: string): string {
  return replaceUnwanted(text, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Like {@link visible}, for text of several lines, such as a schema. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/**
 * Returns a JSON document without effects on a terminal, and with the same meaning for a program (RFC 8259 section 7).
 */
export function jsonText(value: unknown, indent = 2): string {
  // In JSON, such characters occur only in strings. Line breaks are part of the format.
  return replaceUnwanted(JSON.stringify(value, null, indent), (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
