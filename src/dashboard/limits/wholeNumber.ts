/** The largest Int of GraphQL. */
const HIGHEST = 2 ** 31 - 1;

/** Returns a whole number from 1 to the highest limit; null if the text is not such a number. */
export function wholeNumber(text: string): number | null {
  const number = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= HIGHEST ? number : null;
}
