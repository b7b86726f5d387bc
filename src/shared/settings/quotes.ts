/** Returns whether a text is in quotes, like a value in a shell or in an environment file. */
export function isQuoted(text: string): boolean {
  return /^\s*(["'])[^]*\1\s*$/.test(text);
}
