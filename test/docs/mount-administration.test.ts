import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../cli/latchkey.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';
import { freePort } from '../support/freePort.js';

test('each command of docs/how-to/mount-administration.md runs as written', async () => {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  // Inside the project, where the server finds its packages.
  const cwd = mkdtempSync(join(PROJECT, 'build', 'mount-'));
  try {
    mkdirSync(join(cwd, 'bin'));
    writeFileSync(join(cwd, 'bin', 'latchkey'), `#!/bin/sh\nexec node '${PROGRAM}' "$@"\n`, { mode: 0o755 });
    copyFileSync(join(PROJECT, 'examples/mount-administration/server.mjs'), join(cwd, 'server.mjs'));
    const port = String(await freePort());
    const session = sessionOf(
      documentOf('docs/how-to/mount-administration.md').replaceAll('127.0.0.1:4001', `127.0.0.1:${port}`),
    );
    expect(session).toHaveLength(3);
    await expectSession(session, {
      cwd,
      stderr: /^Store the token now: .*\n$/,
      env: {
        ...{ PORT: port, DATA_DIR: join(cwd, 'data'), XDG_STATE_HOME: cwd },
        PATH: `${join(cwd, 'bin')}:${process.env.PATH ?? ''}`,
      },
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
