import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isToken } from '../../src/core/keys/token.js';
import { startService, type TestService } from '../support/service.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const directory = mkdtempSync(join(tmpdir(), 'latchkey-create-'));
let service: TestService;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(async () => {
  await service.close();
  rmSync(directory, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  latchkey(['keys', 'create', ...args], {
    env: { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken },
  });
let files = 0;
function fileWith(text: string): string {
  const path = join(directory, `${(files += 1)}.csv`);
  writeFileSync(path, text);
  return path;
}

test('creates a key for each row, with several requests, and prints the tokens as CSV', async () => {
  const rows = Array.from({ length: 130 }, (_, i) => `"Customer, ${i}",${i === 0 ? 'read:assets write:assets' : ''}`);
  const path = fileWith(`name,scopes\n${rows.join('\n')}\n`);
  const { status, stdout, stderr } = await run('--from', path, '--scopes', 'read:assets', '--env', 'test');
  expect([status, stderr]).toEqual([0, expect.stringContaining('Store the tokens now')]);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toBe('name,id,token');
  expect(lines).toHaveLength(131);
  const tokens = lines.slice(1).map((line) => line.slice(line.lastIndexOf(',') + 1));
  expect(tokens.every(isToken)).toBe(true);
  expect(lines[1]).toMatch(/^"Customer, 0",key_\w+,lks_test_/);
  const scopesOf = async (token = '') =>
    (await service.query('{ viewer { scopes } }', { token })).body.data.viewer.scopes;
  expect(await scopesOf(tokens[0])).toEqual(['read:assets', 'write:assets']);
  expect(await scopesOf(tokens[129])).toEqual(['read:assets']);
});

test('prints JSON Lines with --json', async () => {
  const { stdout } = await run('--from', fileWith('name,type\na,read_only\n'), '-s', 'read:assets', '--json');
  expect(JSON.parse(stdout)).toEqual({ name: 'a', id: expect.stringMatching(/^key_/), token: expect.any(String) });
});

test.each([
  ['name,skopes\na,b\n', /the first line of .* names the columns/],
  ['scopes\nread:assets\n', /the first line of .* names the columns/],
  ['name,scopes\na\n', /line 2: The row has 1 cells, and the first line 2/],
  ['name\n', /has no rows/],
  ['name\n"a\n', /line 2: The quotes that open in this line are never closed/],
  ['name,expires\na,someday\n', /line 2: expires: invalid date/],
])('refuses %j, and creates nothing', async (text, message) => {
  const total = async () => (await service.query('{ apiKeys { totalCount } }')).body.data.apiKeys.totalCount;
  const before = await total();
  const { status, stderr } = await run('--from', fileWith(text), '-s', 'read:assets');
  expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  expect(await total()).toBe(before);
});

test('names the row of an invalid key', async () => {
  const { status, stderr } = await run('--from', fileWith('name,scopes\na,read:assets\nb,nonsense:x\n'));
  expect([status, stderr]).toEqual([1, expect.stringMatching(/scope/i)]);
});

test.each([
  [['--from', 'x.csv', 'name'], /not both/],
  [['-s', 'read:assets'], /name of the key is missing/],
  [['name'], /--scopes is missing/],
])('refuses %j', async (args, message) => {
  const { status, stderr } = await run(...args);
  expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test('names the faults of all rows, and creates no key', async () => {
  const { status, stdout, stderr } = await run(
    '--from',
    fileWith('name,expires\na,someday\nb\nc,30d\nd,never\n'),
    '-s',
    'read:assets',
  );
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.trimEnd().split('\n')).toEqual([
    expect.stringContaining('line 2: expires'),
    expect.stringContaining('line 3: The row has 1 cells'),
    expect.stringContaining('line 5: expires'),
  ]);
});
