import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './project.js';
import { run, type RunOptions } from './run.js';

/** Commands of a page, and the output that the page shows after them; empty if it shows none. */
interface Step {
  readonly commands: string;
  readonly answers: readonly string[];
}

const NEXT = '--- next';

/** Ends what the session leaves running in the background, such as a server. */
const AT_END = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";

/** A document of the project. */
export function documentOf(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/**
 * The `sh` blocks of a page, each with the `json` or `text` blocks that follow. Blocks without a language are not run.
 */
export function sessionOf(document: string): Step[] {
  const steps: { commands: string; answers: string[] }[] = [];
  for (const [, language, text = ''] of document.matchAll(/```(sh|json|text)\n(.*?)```/gs)) {
    if (language === 'sh') steps.push({ commands: text, answers: [] });
    else steps.at(-1)?.answers.push(...linesOf(text));
  }
  return steps;
}

/** The function `gql` of the first session, for documents that build on it. */
export function gqlOf(origin: string): string {
  const line = /^gql\(\) .*\n/m.exec(documentOf('docs/tutorials/first-session.md'))?.[0] ?? '';
  return line.replace('http://127.0.0.1:4000', origin);
}

/** Runs the session in one bash, which ends at the first command that fails, and compares the output with the page. */
export async function expectSession(
  steps: readonly Step[],
  {
    prelude = '',
    stderr: told = /^$/,
    ...options
  }: RunOptions & { readonly prelude?: string; readonly stderr?: RegExp } = {},
): Promise<void> {
  const script = steps.map(({ commands }) => commands).join(`printf '%s\\n' '${NEXT}'\n`);
  const { status, stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', AT_END + prelude + script], options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(told) });
  const outputs = stdout.split(`${NEXT}\n`);
  steps.forEach(({ commands, answers }, i) => {
    if (answers.length === 0) return;
    const printed = linesOf(outputs[i] ?? '').map(valueOf);
    expect({ commands, printed }).toEqual({ commands, printed: answers.map((line) => pattern(valueOf(line))) });
  });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

function valueOf(line: string): unknown {
  return line.startsWith('{') ? (JSON.parse(line) as unknown) : line;
}

/** In pages, … replaces text that differs each time: a whole value or a part of it. */
function pattern(shown: unknown): unknown {
  if (typeof shown === 'string' && shown.includes('…')) {
    return expect.stringMatching(new RegExp(`^${shown.split('…').map(escaped).join('.+')}$`, 's'));
  }
  if (Array.isArray(shown)) return shown.map(pattern);
  if (typeof shown === 'object' && shown !== null) {
    return Object.fromEntries(Object.entries(shown).map(([key, value]) => [key, pattern(value)]));
  }
  return shown;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
