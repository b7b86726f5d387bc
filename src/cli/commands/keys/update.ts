import type { Command } from 'commander';
import { described } from '../../describe.js';
import { usage } from '../../exit.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, given, items, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { KEY, linesOf, type Key } from './key.js';
import { KEY_ARGUMENT, keyIdOf } from './keyId.js';

const UPDATE = operation<{ readonly updateApiKey: { readonly apiKey: Key } }, { readonly input: object }>(
  'mutation UpdateKey($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { ...Key } } }',
  KEY,
);

interface UpdateOptions extends AskingOptions {
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly allow?: readonly string[];
  readonly allowAll?: true;
}

export function updateCommand(): Command {
  const command = described({
    name: 'update',
    description: "Change a key's name, scopes or addresses. Takes effect at the next request.",
    example: 'latchkey keys update key_7Hq2mZ0aV9tR4xYb --scopes read:assets,read:events',
  })
    .argument('<id>', KEY_ARGUMENT)
    .option('--name <name>', '1 to 100 characters')
    .option('-s, --scopes <scopes>', 'new list of scopes, separated by commas', items)
    .option('--allow <addresses>', 'new list of IP addresses and CIDR ranges that the key can be used from', items)
    .option('--allow-all', 'allow the key from any address');
  return asking(command).action(async (argument: string, options: UpdateOptions) => {
    const keyName = keyNameIn(argument);
    const { name, scopes, allow, allowAll } = options;
    if (allow !== undefined && allowAll === true)
      throw usage('--allow and --allow-all cannot be used together. Give one of them.');
    const changes = given({ name, scopes, allowedAddresses: allowAll === true ? [] : allow });
    if (Object.keys(changes).length === 0) {
      throw usage('Nothing to change. Give --name, --scopes, --allow or --allow-all.');
    }
    await talk(options, async ({ ask, show, list, terminal }) => {
      const id = await keyIdOf(ask, keyName);
      const { apiKey: key } = (await ask(UPDATE, { input: { id, ...changes } })).updateApiKey;
      show({ key }, () => list(terminal, linesOf(key)));
    });
  });
}
