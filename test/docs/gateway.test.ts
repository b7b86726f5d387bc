import { mkdirSync, mkdtempSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM } from '../cli/latchkey.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';
import { freePort } from '../support/freePort.js';

test('each command of docs/how-to/gateway.md runs as written', async () => {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  // Inside the project, where the API finds graphql.
  const cwd = mkdtempSync(join(PROJECT, 'build', 'gateway-'));
  try {
    mkdirSync(join(cwd, 'bin'));
    // As npm installs it: npm sets the file's mode.
    writeFileSync(join(cwd, 'bin', 'latchkey'), `#!/bin/sh\nexec node '${PROGRAM}' "$@"\n`, { mode: 0o755 });
    copyFileSync(join(PROJECT, 'examples/gateway/api.mjs'), join(cwd, 'api.mjs'));
    const [api, port] = [await freePort(), await freePort()];
    const page = documentOf('docs/how-to/gateway.md')
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${api}`)
      .replaceAll('127.0.0.1:4000', `127.0.0.1:${port}`)
      // The API listens a moment after its start.
      .replace('node api.mjs &', 'node api.mjs &\nsleep 1');
    const session = sessionOf(page);
    expect(session).toHaveLength(7);
    await expectSession(session, {
      cwd,
      stderr: /^Store the token now: .*\n$/,
      env: {
        ...{ API_PORT: String(api), PORT: String(port), DATA_DIR: join(cwd, 'data'), XDG_STATE_HOME: cwd },
        PATH: `${join(cwd, 'bin')}:${process.env.PATH ?? ''}`,
      },
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
