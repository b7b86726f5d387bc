import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
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
  ['README.md', 5],
  ['docs/tutorials/first-session.md', 8],
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
    // Printed after each token.
    stderr: /^(Store the token now: .*\n)*$/,
  });
});

test('the README is short enough to read in one go', () => {
  expect(documentOf('README.md').split('\n').length).toBeLessThan(150);
});

test('the curl line that the first start prints works as printed', () => {
  const line = /^ {2}(curl .*)$/m.exec(child.output().stdout)?.[1] ?? '';
  const { stdout } = spawnSync('bash', ['-c', `${line} -s`], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toMatchObject({
    data: { viewer: { workspace: { name: 'default', tier: 'GROWTH' }, scopes: ['admin'] } },
  });
});

test('S18: npm test names each program that is missing and the test files that it leaves out', async () => {
  const load = `
    console.warn = (line) => console.log(line);
    const { common } = await import('./jest.config.js');
    console.log(JSON.stringify(common.testPathIgnorePatterns));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', load], {
    cwd: PROJECT,
    env: { PATH: '' },
    encoding: 'utf8',
  });
  const lines = stdout.trim().split('\n');
  const always = ['/node_modules/', '/test/chaos/', '/test/scale/'];
  const leftOut = (JSON.parse(lines.pop() ?? '') as string[]).filter((path) => !always.includes(path));
  expect(leftOut).toEqual(expect.arrayContaining(['/test/server/redis', '/test/dashboard', '/test/core/store/mongo']));
  expect(lines.length).toBe(leftOut.length);
  for (const path of leftOut) {
    expect(lines.join('\n')).toMatch(new RegExp(`(is not installed|is not set): ${path.slice(1)} is left out\\. `));
    const [folder, start] = [dirname(path), basename(path)];
    expect(readdirSync(join(PROJECT, folder)).some((name) => name.startsWith(start))).toBe(true);
  }
});

test('S18: no test is marked as skipped', () => {
  const marked = readdirSync(join(PROJECT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) =>
      /^\s*(x?(describe|test|it)\.(skip|only|todo)|x(describe|test|it))\b/m.test(documentOf(`test/${path}`)),
    );
  expect(marked).toEqual([]);
});
