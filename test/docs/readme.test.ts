import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

let child: Child;
let origin: string;
let admin: string;
const directory = mkdtempSync(join(tmpdir(), 'latchkey-'));

beforeAll(async () => {
  child = runFile(MAIN, { PORT: '0', DATA_DIR: join(directory, 'data') });
  [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
  [, admin = ''] = await child.waitFor(/Admin key: (\S+)/);
});
afterAll(async () => {
  await child.stop('SIGINT');
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  ['README.md', 3],
  ['docs/first-session.md', 8],
])('the first session of %s runs as written', async (path, least) => {
  const session = documentOf(path)
    .replaceAll('http://127.0.0.1:4000', origin)
    .replaceAll('node dist/', `node ${PROJECT}/dist/`)
    .replace('<the admin key>', admin);
  const steps = sessionOf(session);
  expect(steps.length).toBeGreaterThanOrEqual(least);
  await expectSession(steps, {
    cwd: directory,
    env: { LATCHKEY_URL: `${origin}/graphql` },
    // Told to people beside each token that is printed.
    stderr: /^(Keep the token now: .*\n)*$/,
  });
});

test('the README can be read in one go', () => {
  expect(documentOf('README.md').split('\n').length).toBeLessThan(150);
});

test('the curl line that the first start prints works as printed', () => {
  const line = /^ {2}(curl .*)$/m.exec(child.output().stdout)?.[1] ?? '';
  const { stdout } = spawnSync('bash', ['-c', `${line} -s`], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toMatchObject({
    data: { viewer: { workspace: { name: 'default', tier: 'GROWTH' }, scopes: ['admin'] } },
  });
});
