import type { Command } from 'commander';
import { MAX_TEXT } from '../../../shared/text/clues/clues.js';
import { wholeInput } from '../../credential.js';
import { described } from '../../describe.js';
import { EXIT, usage } from '../../exit.js';
import { operation } from '../../typedOperation.js';
import { asking, type AskingOptions } from '../../commandOptions.js';
import type { Column } from '../../table.js';
import { talk, type Talk } from '../../talk.js';
import { clueInArgument, clueInToken, type Clue } from './clue.js';
import { LAST_USED_DELAY, LISTED_KEY, type ListedKey } from './key.js';
import { COLUMNS } from './list.js';

/** The maximum number of keys found by name. */
const MOST = 100;
const MAX_NAME = 100;

interface Found {
  readonly findApiKeys?: readonly ListedKey[] | null;
  readonly apiKeys?: {
    readonly nodes: readonly ListedKey[];
    readonly pageInfo: { readonly hasNextPage: boolean };
  } | null;
}

const FIND = operation<Found, { readonly text: string; readonly name: string; readonly byName: boolean }>(
  `query FindKeys($text: String!, $name: String!, $byName: Boolean!) {
    findApiKeys(text: $text) { ...ListedKey }
    apiKeys(first: ${MOST}, filter: { nameContains: $name }) @include(if: $byName) { nodes { ...ListedKey } pageInfo { hasNextPage } }
  }`,
  LISTED_KEY,
);

const BY_NAME = operation<Found, { readonly name: string }>(
  `query FindKeysByName($name: String!) {
    apiKeys(first: ${MOST}, filter: { nameContains: $name }) { nodes { ...ListedKey } pageInfo { hasNextPage } }
  }`,
  LISTED_KEY,
);

const FOUND_COLUMNS: readonly Column<ListedKey>[] = [
  ...COLUMNS,
  { title: 'WORKSPACE', text: ({ workspaceId }) => workspaceId },
];

/**
 * Returns the keys that an argument finds: by a part of their name, their prefix, lookup ID or ID.
 *
 * @throws Failure if the argument may contain a secret. It is not sent then
 */
export async function keysFoundBy(ask: Talk['ask'], argument: string): Promise<readonly ListedKey[]> {
  const { findApiKeys, apiKeys } = await found(ask, clueInArgument(argument), nameIn(argument));
  return unique([...(findApiKeys ?? []), ...(apiKeys?.nodes ?? [])]);
}

export function findCommand(): Command {
  const command = described({
    name: 'find',
    description:
      'Find keys by a part of their name, their prefix, lookup ID or key ID, or by a token. ' +
      'With - a text with the token is read from standard input: a log, an e-mail or a command, for example. ' +
      'Only the lookup ID of the token is sent to the server, or its SHA-256 if it is the token of another system. ' +
      `Revoked and expired keys are found too. LAST USED is ${LAST_USED_DELAY}. The exit code is 1 if no key is found.`,
    example: 'latchkey keys find lks_live_Ab12Cd\nlatchkey keys find - < leaked-token.txt',
  }).argument('<text>', 'part of a name, prefix, lookup ID or key ID; - for a text with a token on standard input');
  return asking(command).action(async (argument: string, options: AskingOptions) => {
    const clue = await clueOf(argument, options);
    const name = argument === '-' ? null : nameIn(argument);
    await talk(options, async ({ ask, show, table, terminal }) => {
      if (clue.warning !== null) terminal.note(clue.warning);
      const { findApiKeys, apiKeys } = await found(ask, clue, name);
      const keys = unique([...(findApiKeys ?? []), ...(apiKeys?.nodes ?? [])]);
      show({ keys }, () => (keys.length === 0 ? 'No key found.' : table(terminal, FOUND_COLUMNS, keys)));
      if (apiKeys?.pageInfo.hasNextPage === true) {
        terminal.note(`Showing the first ${MOST} matching names. Use keys list --name to see all.`);
      }
      if (keys.length === 0) {
        if (clue.text.includes('sha256:')) terminal.note(NOT_BY_DIGEST);
        process.exitCode = EXIT.failed;
      }
    });
  });
}

const NOT_BY_DIGEST =
  'A key that was imported with a bcrypt hash is not found by its token. Search for its prefix or its name.';

/** Requests keys by the clue, by name, or by both. @param name null to skip the search by name */
async function found(ask: Talk['ask'], { text, isGuess }: Clue, name: string | null): Promise<Found> {
  if (text === '') {
    if (name === null) throw usage(`A name has at most ${MAX_NAME} characters, and the text has no token or ID.`);
    return ask(BY_NAME, { name });
  }
  try {
    return await ask(FIND, { text, name: name ?? '', byName: name !== null });
  } catch (error) {
    const { LatchkeyError } = await import('../../../client/errors.js');
    // No key has this prefix. The text is a part of a name.
    const answer = isGuess && error instanceof LatchkeyError && error.code === 'BAD_USER_INPUT' ? error.data : null;
    if (typeof answer !== 'object' || answer === null || (answer as Found).apiKeys == null) throw error;
    return answer;
  }
}

/** Returns the part of a name that an argument may be; null if it is too long. */
function nameIn(argument: string): string | null {
  return argument.trim().length > MAX_NAME ? null : argument.trim();
}

async function clueOf(argument: string, { keyStdin }: AskingOptions): Promise<Clue> {
  if (argument !== '-') return clueInArgument(argument);
  if (keyStdin === true) {
    throw usage('Both the key and the token would be read from standard input. Set LATCHKEY_API_KEY instead.');
  }
  return clueInToken(
    await wholeInput(process.stdin, {
      what: 'token',
      most: MAX_TEXT,
      onTerminal: 'A token that you type is visible on the screen. Pipe it: latchkey keys find - < token.txt',
    }),
  );
}

function unique(keys: readonly ListedKey[]): readonly ListedKey[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}
