import type { Command } from 'commander';
import { described } from '../../describe.js';
import { keyNameIn } from '../../keyName.js';
import { operation } from '../../typedOperation.js';
import { asking, given } from '../../commandOptions.js';
import { talk } from '../../talk.js';
import { durationOf } from '../../times.js';
import { KEY, linesOf, type Made } from './key.js';
import { KEY_ARGUMENT, keyIdOf } from './keyId.js';
import { quiet, showMade, type MadeOptions } from './made.js';

const ROTATE = operation<{ readonly rotateApiKey: Made }, { readonly input: object }>(
  'mutation RotateKey($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { token apiKey { ...Key } } }',
  KEY,
);

interface RotateOptions extends MadeOptions {
  readonly overlap?: string;
}

export function rotateCommand(): Command {
  const command = described({
    name: 'rotate',
    description: 'Replace a key with a new one. The old one works until the overlap ends; the new token is shown once.',
    example: 'latchkey keys rotate key_7Hq2mZ0aV9tR4xYb --overlap 7d --quiet > new-key.txt',
  })
    .argument('<id>', KEY_ARGUMENT)
    .option('--overlap <time>', 'how long the old key continues to work: 7d, 12h, 0s, at most 90d (default: 1d)');
  return asking(quiet(command)).action(async (old: string, options: RotateOptions) => {
    const name = keyNameIn(old);
    const overlap = options.overlap === undefined ? undefined : durationOf('--overlap', options.overlap);
    await talk(options, async (told) => {
      const input = given({ id: await keyIdOf(told.ask, name), overlap });
      const { apiKey: key, token } = (await told.ask(ROTATE, { input })).rotateApiKey;
      showMade(told, options, { value: { key }, lines: linesOf(key), token });
    });
  });
}
