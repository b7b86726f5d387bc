import type { Command } from 'commander';
import { asking, items, whole, type AskingOptions } from '../commandOptions.js';
import { wholeInput } from '../credential.js';
import { described } from '../describe.js';
import { EXIT, usage } from '../exit.js';
import { talk } from '../talk.js';
import { shortMoment } from '../times.js';
import { UnexpectedAnswer } from '../unexpected.js';

/** Longer than any token. */
const MAX_TOKEN = 8_192;

interface VerifyOptions extends AskingOptions {
  readonly scopes?: readonly string[];
  readonly cost?: number;
  readonly address?: string;
}

/** The response of POST /v1/verify for one token. */
interface Verification {
  readonly active: boolean;
  readonly reason?: string;
  readonly missing_scope?: string;
  readonly key_id?: string;
  readonly name?: string;
  readonly workspace?: string;
  readonly project?: string;
  readonly user?: string;
  readonly scope?: string;
  readonly plan?: string;
  readonly exp?: number;
}

export function verifyKeyCommand(): Command {
  const command = described({
    name: 'verify',
    description:
      'Check whether a token is valid and what it allows. It is read from standard input. Exits with 1 if it is not active.',
    example: 'latchkey verify --scopes read:assets < token.txt',
  })
    .option('-s, --scopes <scopes>', 'comma-separated scopes, which the token must grant', items)
    .option(
      '--cost <requests>',
      "requests to take from the limits of the token's key (default: 0)",
      whole(0, 1_000_000),
    )
    .option('--address <address>', 'the address of the caller who sent the token');
  return asking(command).action(async (options: VerifyOptions) => {
    const token = await tokenOf(options);
    await talk(options, async ({ post, show, list, terminal }) => {
      // If a response is missing, the cost may have been taken.
      const isRepeatable = options.cost === undefined || options.cost === 0;
      const verification = verificationIn(await post('v1/verify', fieldsOf(token, options), isRepeatable));
      show(verification, () => list(terminal, linesOf(verification)));
      if (!verification.active) process.exitCode = EXIT.failed;
    });
  });
}

async function tokenOf({ keyStdin }: VerifyOptions): Promise<string> {
  if (keyStdin === true) {
    throw usage('Both the key and the token would be read from standard input. Set LATCHKEY_API_KEY instead.');
  }
  return wholeInput(process.stdin, {
    what: 'token',
    most: MAX_TOKEN,
    onTerminal: 'A token that you type is visible on the screen. Pipe it: latchkey verify < token.txt',
  });
}

function fieldsOf(token: string, { scopes = [], cost = 0, address }: VerifyOptions): Record<string, string> {
  return {
    token,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(cost > 0 && { cost: String(cost) }),
    ...(address !== undefined && { address }),
  };
}

function verificationIn(value: unknown): Verification {
  const isRead = typeof value === 'object' && value !== null && typeof (value as Verification).active === 'boolean';
  if (isRead) return value as Verification;
  throw new UnexpectedAnswer('has no valid active');
}

function linesOf({ active, reason, missing_scope, ...key }: Verification): [string, string | null][] {
  return [
    ['Active', active ? 'yes' : 'no'],
    ['Reason', reason ?? null],
    ['Missing', missing_scope ?? null],
    ['Key', key.key_id ?? null],
    ['Name', key.name ?? null],
    ['Workspace', key.workspace ?? null],
    ['Project', key.project ?? null],
    ['User', key.user ?? null],
    ['Scopes', key.scope ?? null],
    ['Tier', key.plan ?? null],
    ['Expires', key.exp === undefined ? null : shortMoment(new Date(key.exp * 1_000).toISOString())],
  ];
}
