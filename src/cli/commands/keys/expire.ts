import type { Command } from 'commander';
import { described } from '../../describe.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, type AskingOptions } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { momentOf } from '../../times.js';
import { KEY, linesOf, type Key } from './key.js';
import { KEY_ARGUMENT, keyIdOf } from './keyId.js';

const EXPIRE = operation<{ readonly expireApiKey: { readonly apiKey: Key } }, { readonly input: object }>(
  'mutation ExpireKey($input: ExpireApiKeyInput!) { expireApiKey(input: $input) { apiKey { ...Key } } }',
  KEY,
);

interface ExpireOptions extends AskingOptions {
  readonly at: string;
}

export function expireCommand(): Command {
  const command = described({
    name: 'expire',
    description: 'Set when a key expires. A time in the past ends the key now.',
    example: 'latchkey keys expire key_7Hq2mZ0aV9tR4xYb --at 30d',
  })
    .argument('<id>', KEY_ARGUMENT)
    .requiredOption('--at <moment>', 'now, 30d, 2026-12-31 (UTC), or 2026-12-31T12:00:00Z');
  return asking(command).action(async (key: string, options: ExpireOptions) => {
    const name = keyNameIn(key);
    const at = momentOf('--at', options.at);
    await talk(options, async ({ ask, show, list, terminal }) => {
      const input = { id: await keyIdOf(ask, name), at };
      const { apiKey } = (await ask(EXPIRE, { input })).expireApiKey;
      show({ key: apiKey }, () => list(terminal, linesOf(apiKey)));
    });
  });
}
