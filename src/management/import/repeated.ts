import { walk } from '../../shared/numbers/jsonNumbers.js';
import { normalise } from '../../shared/text/characters.js';

/**
 * Returns the first name that an object in a JSON text has twice, in NFC; null if there is none. JSON.parse would silently keep
 * the last value, which may not be the one that the other system uses.
 *
 * @param text valid JSON
 */
export function repeatedName(text: string): string | null {
  let repeated: string | null = null;
  /** The names of each open object; null for an open list. */
  const open: (Set<string> | null)[] = [];
  let isName = false;
  const afterValue = (): void => {
    isName = open.at(-1) != null;
  };
  walk(text, {
    open(isList) {
      open.push(isList ? null : new Set());
      isName = !isList;
    },
    close() {
      open.pop();
      afterValue();
    },
    text(from, to) {
      const names = open.at(-1);
      if (isName && names != null) {
        const name = normalise(JSON.parse(text.slice(from, to)) as string);
        if (names.has(name)) repeated ??= name;
        names.add(name);
        isName = false;
      } else afterValue();
    },
    number: afterValue,
    word: afterValue,
  });
  return repeated;
}
