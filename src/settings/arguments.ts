import { parseArgs } from 'node:util';
import { SettingsError } from './error.js';
import { OPTIONS, readOption } from './options.js';

export interface Arguments {
  /** Asked how to start; then nothing starts. */
  readonly help: boolean;
  /** --workers, which wins over WORKERS; null where it is not given. */
  readonly workers: number | null;
}

export const USAGE = `Usage: npm start -- [--workers N]

  --workers N   serve from N processes on one port, with the same limits as one: ${OPTIONS.WORKERS.allowed}
  -h, --help    print this

All else is set by environment variables; docs/reference/settings.md lists them.
`;

const KNOWN = { workers: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

/**
 * The command line, without the program. Of an argument that is given twice the last counts.
 * @throws SettingsError for the first wrong argument
 */
export function readArguments(args: readonly string[]): Arguments {
  // Not strict: the parser's own errors run over several sentences and repeat what may be a secret in the wrong place.
  const { tokens } = parseArgs({ args: [...args], options: KNOWN, strict: false, tokens: true });
  let help = false;
  let workers: number | null = null;
  for (const token of tokens) {
    if (token.kind === 'option' && token.name === 'help' && token.value === undefined) help = true;
    else if (token.kind === 'option' && token.name === 'workers') {
      workers = readOption('WORKERS', token.value ?? '', '--workers') ?? null;
    } else throw new SettingsError(`${named(token)} is not known. Allowed: --workers N, --help.`);
  }
  return { help, workers };
}

function named(token: { readonly kind: string; readonly rawName?: string; readonly index: number }): string {
  const { rawName } = token;
  return rawName === undefined
    ? `Argument ${token.index + 1}`
    : `The argument ${JSON.stringify(rawName.slice(0, 100))}`;
}
