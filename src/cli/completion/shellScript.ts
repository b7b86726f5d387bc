import type { Completion, Word } from './tree.js';

/** The words of a case, and its commands. */
type Case = readonly [pattern: string | readonly string[], done: string];

/** Returns the lines of a shell's `case`, one or more for each command. */
export function cases(completions: readonly Completion[], of: (completion: Completion) => readonly Case[]): string {
  return completions
    .flatMap(of)
    .map(([pattern, done]) => `      ${[pattern].flat().map(quoted).join('|')}) ${done}`)
    .join('\n');
}

export function words({ text }: Word): string {
  return text;
}

/** Quotes a text, so that bash and zsh take it literally. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
