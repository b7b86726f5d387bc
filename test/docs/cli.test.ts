import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { PROGRAM } from '../cli/latchkey.js';
import { expectPage } from './page.js';

// Node is started two dozen times, perhaps on a busy machine.
jest.setTimeout(240_000);

test('each command of docs/how-to/cli.md runs as written', async () => {
  // expectPage compares each command's output with the page.
  expect.hasAssertions();
  await expectPage('docs/how-to/cli.md', {
    // The keys of the file, and the second verify of the page.
    told: /^Store the tokens now: .+\nCompared with entry \d+, the last head that this computer saw, at \S+\.\n$/,
    before: async (_, directory) => {
      mkdirSync(join(directory, 'bin'));
      // As npm installs it: npm sets the file's mode.
      const script = `#!/bin/sh\nexec node '${PROGRAM}' "$@"\n`;
      writeFileSync(join(directory, 'bin', 'latchkey'), script, { mode: 0o755 });
      return { PATH: `${join(directory, 'bin')}:${process.env.PATH ?? ''}`, XDG_STATE_HOME: directory };
    },
  });
});
