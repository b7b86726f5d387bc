import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from '../support/built.js';
import { LOADER, spawned } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

test.each([
  ['docs/how-to/guard-yoga.md', '4003', 'createServer(yoga).listen(4003', 'const server = createServer(yoga).listen(0'],
  ['docs/how-to/guard-mercurius.md', '4004', 'port: 4004', 'port: 0'],
])('the server of %s starts, and its commands print what the page shows', async (path, port, fixed, free) => {
  const page = documentOf(path);
  const [, program = ''] = /```[jt]s\n(.*?)```/s.exec(page) ?? [];
  expect(program).toContain(fixed);
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  const cwd = mkdtempSync(join(PROJECT, 'build', 'guard-servers-'));
  const file = join(cwd, 'server.mjs');
  const server = path.includes('yoga') ? 'server' : 'app.server';
  // The system chooses a port.
  const listening = `\`Listening at http://127.0.0.1:\${${server}.address().port}/graphql\``;
  writeFileSync(
    file,
    program.replace(fixed, free).replace(`'Listening at http://127.0.0.1:${port}/graphql'`, listening),
  );
  const child = spawned([...(isBuilt ? [] : ['--import', LOADER]), file], { cwd, env: {} });
  try {
    const [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
    const [, origin = ''] = await child.waitFor(/Listening at (http:\/\/[\d.:]+)/);
    const session = sessionOf(page.replaceAll(`http://127.0.0.1:${port}`, origin));
    expect(session.length).toBeGreaterThan(0);
    await expectSession(session, { cwd, env: { KEY: admin } });
  } finally {
    await child.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  }
});
