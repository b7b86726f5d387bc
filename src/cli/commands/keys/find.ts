import type { Command } from 'commander';
import { firstLine } from '../../credential.js';
import { described } from '../../describe.js';
import { EXIT, usage } from '../../exit.js';
import { operation } from '../../operation.js';
import { asking, type AskingOptions } from '../../options.js';
import type { Column } from '../../table.js';
import { talk } from '../../talk.js';
import { clueInArgument, clueInToken, type Clue } from './clue.js';
import { KEY, type Key } from './key.js';
import { COLUMNS } from './list.js';

/** The most keys that are found by name. */
const MOST = 100;
const MAX_NAME = 100;

interface Found {
  readonly findApiKeys: readonly Key[] | null;
  readonly apiKeys?: { readonly nodes: readonly Key[]; readonly totalCount: number } | null;
}

const FIND = operation<Found, { readonly text: string; readonly name: string; readonly byName: boolean }>(
  `query FindKeys($text: String!, $name: String!, $byName: Boolean!) {
    findApiKeys(text: $text) { ...Key }
    apiKeys(first: ${MOST}, filter: { nameContains: $name }) @include(if: $byName) { totalCount nodes { ...Key } }
  }`,
  KEY,
);

const FOUND_COLUMNS: readonly Column<Key>[] = [
  ...COLUMNS,
  { title: 'WORKSPACE', text: ({ workspaceId }) => workspaceId },
];

export function findCommand(): Command {
  const command = described({
    name: 'find',
    description:
      'Find keys by a part of their name, their prefix, lookup ID or key ID, or by a whole token. ' +
      'With - the token is read from standard input. Only its lookup ID is sent to the server, ' +
      'or its SHA-256 if it is the token of another system. Revoked and expired keys are found too. ' +
      'The exit code is 1 if no key is found.',
    example: 'latchkey keys find sk_live_Ab12Cd\nlatchkey keys find - < leaked-token.txt',
  }).argument('<text>', 'part of a name, prefix, lookup ID or key ID; - for a token on standard input');
  return asking(command).action(async (argument: string, options: AskingOptions) => {
    const { text, warning } = await clueOf(argument, options);
    const byName = argument !== '-' && text.length <= MAX_NAME;
    await talk(options, async ({ ask, show, table, terminal }) => {
      if (warning !== null) terminal.note(warning);
      const { findApiKeys, apiKeys } = await ask(FIND, { text, name: byName ? text : '', byName });
      const keys = unique([...(findApiKeys ?? []), ...(apiKeys?.nodes ?? [])]);
      show({ keys }, () => (keys.length === 0 ? 'No key found.' : table(terminal, FOUND_COLUMNS, keys)));
      if ((apiKeys?.totalCount ?? 0) > MOST) {
        terminal.note(`Showing the first ${MOST} matching names. Use keys list --name to see all.`);
      }
      if (keys.length === 0) process.exitCode = EXIT.failed;
    });
  });
}

async function clueOf(argument: string, { keyStdin }: AskingOptions): Promise<Clue> {
  if (argument !== '-') return { text: clueInArgument(argument), warning: null };
  if (keyStdin === true) {
    throw usage('Both the key and the token would be read from standard input. Set LATCHKEY_API_KEY instead.');
  }
  return clueInToken(
    await firstLine(process.stdin, {
      what: 'token',
      onTerminal: 'A token that you type is visible on the screen. Pipe it: latchkey keys find - < token.txt',
    }),
  );
}

function unique(keys: readonly Key[]): readonly Key[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}
