const UUID = /[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/i;

/** Letters with a number before or after them, as names have: `v2`, `loader7`, `backend2026`, `2fa`. */
const SIMPLE = /^(?:[A-Za-z]*\d{0,4}|\d{1,4}[A-Za-z]*|\d+)$/;

/** Returns whether letters and digits are together in a way that names do not have. */
export function isUnusual(part: string): boolean {
  return !SIMPLE.test(part);
}

/** Letters in `camelCase`, in one case, or with abbreviations. Of 16 random letters, one of eight runs is like that. */
const NAME = /^[a-z]*(?:[A-Z]+[a-z]{2,})*[A-Z]*$/;

/** Returns whether letters follow each other as in names. */
export function isNamed(letters: string): boolean {
  return NAME.test(letters);
}

/** How many characters of a word must be in parts that names do not have. IDs such as `usr_…` have 16. */
const ENOUGH = 18;

/**
 * Returns whether a word is more likely a secret than a name: it has long parts in which letters and digits are mixed, is a UUID, or is
 * a long run of random letters.
 */
export function looksSecret(word: string): boolean {
  if (UUID.test(word)) return true;
  const runs = word.match(/[0-9A-Za-z+/=]+/g) ?? [];
  if (runs.some(isMixed)) return true;
  const parts = word.match(/[0-9A-Za-z]+/g) ?? [];
  const unusual = parts.filter(isUnusual).reduce((sum, { length }) => sum + length, 0);
  return unusual >= ENOUGH;
}

/** Returns whether a word may be a secret if something says that it is one, as `token=` does. */
export function mayBeSecret(word: string): boolean {
  if (word.length >= 20 || (word.length >= 8 && /\d/.test(word) && /[A-Za-z]/.test(word))) return true;
  return looksSecret(word) || (word.length >= 16 && /^[A-Za-z]+$/.test(word) && !isNamed(word));
}

function isMixed(run: string): boolean {
  if (run.length >= 20 && /\d/.test(run) && /[A-Za-z]/.test(run)) return true;
  if (run.length >= 30 && /[a-z]/.test(run) && /[A-Z]/.test(run)) return true;
  return run.length >= 40 && /^[A-Za-z]+$/.test(run) && new Set(run).size >= 10;
}
