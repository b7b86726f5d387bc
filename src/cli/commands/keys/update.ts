import type { Command } from 'commander';
import { described } from '../../describe.js';
import { usage } from '../../exit.js';
import { operation } from '../../operation.js';
import { asking, given, items, type AskingOptions } from '../../options.js';
import { talk } from '../../talk.js';
import { KEY, linesOf, type Key } from './key.js';

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
    description: "Change a key's name, scopes or addresses. They hold from the next request on.",
    example: 'latchkey keys update key_7Hq2mZ0aV9tR4xYb --scopes read:assets,read:events',
  })
    .argument('<id>', 'of the key')
    .option('--name <name>', '1 to 100 characters, for people')
    .option('-s, --scopes <scopes>', 'all that it shall hold, with commas', items)
    .option('--allow <addresses>', 'all addresses and CIDR ranges from which it shall be let in', items)
    .option('--allow-all', 'let it in from everywhere');
  return asking(command).action(async (id: string, options: UpdateOptions) => {
    const { name, scopes, allow, allowAll } = options;
    if (allow !== undefined && allowAll === true) throw usage('--allow and --allow-all exclude each other. Give one.');
    const changes = given({ name, scopes, allowedAddresses: allowAll === true ? [] : allow });
    if (Object.keys(changes).length === 0) {
      throw usage('Nothing is to be changed. Give --name, --scopes, --allow or --allow-all.');
    }
    await talk(options, async ({ ask, show, list, terminal }) => {
      const { apiKey: key } = (await ask(UPDATE, { input: { id, ...changes } })).updateApiKey;
      show({ key }, () => list(terminal, linesOf(key)));
    });
  });
}
