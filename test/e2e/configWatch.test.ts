import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN, runFile, type Child } from '../support/child.js';
import { until } from '../support/until.js';

/** The server as users start it, with its configuration mounted like a ConfigMap and a Secret in Kubernetes. */
const OLD = 'the-old-key-of-tests-0123456789';
const NEXT = 'the-next-key-of-tests-0123456789';

let dir: string;
let child: Child;
let origin: string;
let version = 0;

/** Publishes a new version of the mounted directory, by pointing `..data` elsewhere. */
function mount(files: Readonly<Record<string, string>>): void {
  const name = `..v${(version += 1)}`;
  mkdirSync(join(dir, name));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(dir, name, file), content);
  symlinkSync(name, join(dir, '..tmp'));
  renameSync(join(dir, '..tmp'), join(dir, '..data'));
}
const yaml = (role: string): string =>
  `auth: { api_keys: { keys: [{ key: "\${ANALYST}", name: analyst, roles: [${role}] }] } }\n`;

async function scopesOf(token: string): Promise<readonly string[] | null> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { scopes } }' }),
  });
  const { data } = (await response.json()) as { data?: { viewer: { scopes: string[] } } };
  return data?.viewer.scopes ?? null;
}
const lines = (text: string): number => child.output().stderr.split(text).length - 1;

async function start(more: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<void> {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-mounted-'));
  mount({ 'latchkey.yaml': yaml('viewer'), analyst: `${OLD}\n` });
  for (const name of ['latchkey.yaml', 'analyst']) symlinkSync(`..data/${name}`, join(dir, name));
  child = runFile(
    MAIN,
    {
      PORT: '0',
      DATA_DIR: join(dir, 'data'),
      BCRYPT_COST: '4',
      DEFAULT_TIER: 'ENTERPRISE',
      LATCHKEY_CONFIG: join(dir, 'latchkey.yaml'),
      ANALYST_FILE: join(dir, 'analyst'),
      ...more,
    },
    [],
    args,
  );
  [, origin = ''] = await child.waitFor(/listens on (http:\S+)\/graphql/);
}
afterEach(async () => {
  await child.stop('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** A network may send an invalid key 30 times in a second, and 120 times in a minute. */
const PACE = { every: 250 };
const NOT_READ = 'reload failed; keeping the previous configuration';

test.each([
  ['of one process', []],
  ['with --workers', ['--workers', '2']],
])('reloads the configuration %s when a mounted ConfigMap or Secret changes', async (_, args) => {
  await start({}, args);
  const viewer = await scopesOf(OLD);
  expect(viewer).not.toBeNull();
  // The roles of the file.
  mount({ 'latchkey.yaml': yaml('editor'), analyst: `${OLD}\n` });
  await until(async () => JSON.stringify(await scopesOf(OLD)) !== JSON.stringify(viewer), PACE);
  // The secret next to it.
  mount({ 'latchkey.yaml': yaml('editor'), analyst: `${NEXT}\n` });
  await until(async () => (await scopesOf(NEXT)) !== null && (await scopesOf(OLD)) === null, PACE);
});

test('keeps the previous configuration for an invalid file, and logs it once for each content', async () => {
  await start({});
  mount({ 'latchkey.yaml': 'auth: { api_keys: { enabeld: true } }', analyst: `${OLD}\n` });
  await until(() => lines(NOT_READ) === 1);
  await sleep(1_000);
  expect(lines(NOT_READ)).toBe(1);
  expect(await scopesOf(OLD)).not.toBeNull();
  rmSync(join(dir, 'analyst'));
  await until(() => lines(NOT_READ) === 2);
  expect(await scopesOf(OLD)).not.toBeNull();
  expect(child.output().stderr).not.toContain(OLD);
  symlinkSync('..data/analyst', join(dir, 'analyst'));
  mount({ 'latchkey.yaml': yaml('editor'), analyst: `${NEXT}\n` });
  await until(async () => (await scopesOf(NEXT)) !== null, PACE);
});

test('with CONFIG_WATCH=off only SIGHUP reloads it', async () => {
  await start({ CONFIG_WATCH: 'off' });
  mount({ 'latchkey.yaml': yaml('viewer'), analyst: `${NEXT}\n` });
  await sleep(1_500);
  expect([await scopesOf(OLD), await scopesOf(NEXT)]).toEqual([expect.any(Array), null]);
  child.process.kill('SIGHUP');
  await until(async () => (await scopesOf(NEXT)) !== null, PACE);
});
