import { normalise } from './characters.js';

/**
 * Returns the form in which texts are searched: without regard to case (as Unicode folds it: `ß` is `ss`), to how letters
 * are composed, to the dots of the Turkish i, to the final sigma, and to characters that are drawn as nothing, such as joiners and variation selectors.
 */
export function fold(text: string): string {
  return normalise(
    normalise(text)
      // By way of upper case, which spells out ß and ligatures and unites letters such as ſ and s. The capital ẞ must be converted to lower
      // case first.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase()
      .replace(/i\u0307/g, 'i')
      .replaceAll('ς', 'σ')
      .replace(/\p{Default_Ignorable_Code_Point}/gu, ''),
  );
}
