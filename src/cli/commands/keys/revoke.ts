import type { Command } from 'commander';
import { assertCanAsk, confirm } from '../../confirm.js';
import { described } from '../../describe.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, given, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { visible } from '../../visibleText.js';
import { found, KEY, linesOf, type Key } from './key.js';
import { KEY_ARGUMENT, keyIdOf } from './keyId.js';

const REVOKE = operation<{ readonly revokeApiKey: { readonly apiKey: Key } }, { readonly input: object }>(
  'mutation RevokeKey($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { ...Key } } }',
  KEY,
);

type Named = Pick<Key, 'name' | 'prefix' | 'status'>;

const NAME = operation<{ readonly apiKey: Named | null }, { readonly id: string }>(
  'query NameKey($id: ID!) { apiKey(id: $id) { name prefix status } }',
);

interface RevokeOptions extends AskingOptions {
  readonly reason?: string;
  readonly yes?: true;
}

export function revokeCommand(): Command {
  const command = described({
    name: 'revoke',
    description: 'Revoke a key, immediately and permanently. Asks for confirmation first.',
    example: "latchkey keys revoke key_7Hq2mZ0aV9tR4xYb --reason 'Found in a log.' --yes",
  })
    .argument('<id>', KEY_ARGUMENT)
    .option('--reason <text>', 'reason, at most 500 characters')
    .option('-y, --yes', 'skip the confirmation');
  return asking(command).action(async (argument: string, options: RevokeOptions) => {
    const keyName = keyNameIn(argument);
    // Checked before the first request: without a confirmation, nothing is started.
    if (options.yes !== true) assertCanAsk();
    await talk(options, async ({ ask, show, list, terminal }) => {
      const id = await keyIdOf(ask, keyName);
      if (options.yes !== true) {
        const { name, prefix } = found((await ask(NAME, { id })).apiKey, 'key');
        await confirm(`Revoke the key "${visible(name)}" (${visible(prefix)}, ${visible(id)})? You can't undo this.`);
      }
      const input = given({ id, reason: options.reason });
      const { apiKey: key } = (await ask(REVOKE, { input })).revokeApiKey;
      show({ key }, () => list(terminal, linesOf(key)));
    });
  });
}
