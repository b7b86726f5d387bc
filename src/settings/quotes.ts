/** Whether a text is within quotes, as a value is in a shell or in a file of variables. */
export function isQuoted(text: string): boolean {
  return /^\s*(["'])[^]*\1\s*$/.test(text);
}
