import type { Command } from 'commander';
import { described } from '../../describe.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { LIMITS, limitLines, type Limits } from '../limitLines.js';
import { found, KEY, LAST_USED_DELAY, linesOf, type Key } from './key.js';
import { KEY_ARGUMENT, keyIdOf } from './keyId.js';

const SHOW = operation<{ readonly apiKey: (Key & { readonly limits: Limits }) | null }, { readonly id: string }>(
  'query ShowKey($id: ID!) { apiKey(id: $id) { ...Key limits { ...Limits } } }',
  KEY,
  LIMITS,
);

export function showCommand(): Command {
  const command = described({
    name: 'show',
    description: `Show a key and its remaining limits. "Last used" is ${LAST_USED_DELAY}.`,
    example: 'latchkey keys show key_7Hq2mZ0aV9tR4xYb',
  }).argument('<id>', KEY_ARGUMENT);
  return asking(command).action(async (argument: string, options: AskingOptions) => {
    const name = keyNameIn(argument);
    await talk(options, async ({ ask, show, list, terminal }) => {
      const id = await keyIdOf(ask, name);
      const key = found((await ask(SHOW, { id })).apiKey, 'key');
      show({ key }, () => list(terminal, [...linesOf(key), ...limitLines(key.limits)]));
    });
  });
}
