import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../support/child.js';
import { until } from '../support/until.js';

/** The server as users start it; SIGHUP is sent as users send it. */
const OLD = 'the-old-key-of-tests-0123456789';
const NEW = 'the-new-key-of-tests-0123456789';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-reload-'));
const file = join(dir, 'latchkey.yaml');
let child: Child;
let origin: string;

/** Like an editor: the file is always complete. */
function write(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
const keys = (...variables: string[]): string =>
  `auth: { api_keys: { keys: [${variables.map((name) => `{ key: "\${${name}}", name: ${name}, roles: [viewer] }`).join(', ')}] } }`;

async function statusOf(token: string): Promise<number> {
  const { status } = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { scopes } }' }),
  });
  return status;
}
const lines = (text: string): number => child.output().stderr.split(text).length - 1;
const READ = 'configuration reloaded';
const NOT_READ = 'reload failed; keeping the previous configuration';

/** Sends the signal and waits for the log line about it. */
async function hangUp(answer: string): Promise<void> {
  const before = lines(answer);
  child.process.kill('SIGHUP');
  await until(() => lines(answer) > before);
}

beforeAll(async () => {
  write(keys('OLD'));
  const environment = {
    PORT: '0',
    DATA_DIR: dir,
    BCRYPT_COST: '4',
    // Only the signal is tested here.
    CONFIG_WATCH: 'off',
    LATCHKEY_CONFIG: file,
    DEFAULT_TIER: 'ENTERPRISE',
    OLD,
    NEW,
  };
  child = runFile(MAIN, environment);
  [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
});
afterAll(async () => {
  await child.stop('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

test('SIGHUP rotates a key without a restart: the old one works while both are listed, and is refused once it is removed', async () => {
  expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([200, 401]);
  write(keys('OLD', 'NEW'));
  await hangUp(READ);
  expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([200, 200]);
  write(keys('NEW'));
  await hangUp(READ);
  expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([401, 200]);
});

test('an invalid file changes nothing, with one line that has the reason', async () => {
  write(`${keys('OLD')}\nrolls: {}`);
  await hangUp(NOT_READ);
  const said = child
    .output()
    .stderr.split('\n')
    .filter((line) => line.includes(NOT_READ));
  expect(said.map((line) => JSON.parse(line).fault)).toEqual([
    `${file}: rolls is not known. Allowed: a map with auth, roles, key_types, published_tiers, tiers, rate_limit_headers, quota_status, gateway, demo.`,
  ]);
  expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([401, 200]);
});

test('after many signals at once, the last content of the file applies', async () => {
  for (let i = 0; i < 20; i++) {
    write(keys(i % 2 === 0 ? 'OLD' : 'NEW'));
    child.process.kill('SIGHUP');
  }
  write(keys('OLD'));
  await hangUp(READ);
  // A network may send an invalid key 30 times in a second, and 120 times in a minute.
  await until(async () => (await statusOf(OLD)) === 200 && (await statusOf(NEW)) === 401, { every: 500 });
  expect(child.process.exitCode).toBeNull();
});
