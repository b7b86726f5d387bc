import { parseArgs } from 'node:util';
import { SettingsError } from '../../shared/settings/error.js';
import { OPTIONS } from './options.js';
import { readOption } from './readOption.js';

interface Arguments {
  /** Whether to print the help instead of starting the server. */
  readonly help: boolean;
  /** --workers, which overrides WORKERS; null if omitted. */
  readonly workers: number | null;
}

export const USAGE = `Usage: npm start -- [--workers N]

  --workers N   serve from N processes on one port, with the same limits as one: ${OPTIONS.WORKERS.allowed}
  -h, --help    print this

All other settings are environment variables: see docs/reference/settings.md.
`;

const KNOWN = { workers: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

/**
 * Parses the arguments of the command line, without the program. If an argument is repeated, the last one applies.
 * @throws SettingsError for the first invalid argument
 */
export function readArguments(args: readonly string[]): Arguments {
  // Not strict, because the parser's own errors are long and could repeat a secret that was passed as an argument by mistake.
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
