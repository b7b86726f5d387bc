import type { Completion, Word } from './tree.js';

/** A word or more that a case is for, and what is done. */
export type Case = readonly [pattern: string | readonly string[], done: string];

/** Lines of a shell's `case`, one for each command or more. */
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
