import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { act } from '../e2e/operations.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { latchkeyInOneProcess as latchkey } from './oneProcess.js';

const KEYS = 2_300;
const directory = mkdtempSync(join(tmpdir(), 'latchkey-usage-'));
let service: TestService;
let workspaceId: string;
const runOn = ({ url }: TestService, key: string, ...args: string[]) =>
  latchkey(['usage', 'export', ...args], { env: { LATCHKEY_URL: url, LATCHKEY_API_KEY: key } });
const run = (...args: string[]) => runOn(service, service.adminToken, ...args);

beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  const { token } = await createKey(service, { name: '-1+1', scopes: ['read:assets'] });
  await service.query('query Stock { viewer { scopes } }', { token });
  await service.service.latchkey.usage.flush();
  workspaceId = (await service.query('{ workspace { id } }')).body.data.workspace.id;
  const counts = { requests: 1, cost: 1, limited: 0, forbidden: 0 };
  const report = { workspaceId, projectId: null, ownerId: null, queryCost: 0, operations: new Map(), roots: new Map() };
  const additions = Array.from({ length: KEYS }, (_, i) => ({
    ...{ keyId: `key_z${String(i).padStart(15, '0')}`, start: Date.now(), ...counts, report },
  }));
  await service.service.store.usage.add({ id: 'many', additions }, Date.now());
});
afterAll(async () => {
  await service.close();
  rmSync(directory, { recursive: true, force: true });
});

test('writes all pages to standard output, as CSV', async () => {
  const { status, stdout, stderr } = await run('--by', 'month');
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toBe('start,value,name,requests,cost,queryCost,limited,forbidden,cursor');
  const values = lines.slice(1).map((line) => line.split(',')[1]);
  expect(new Set(values).size).toBe(values.length);
  expect(values.filter((value) => value?.startsWith('key_z'))).toHaveLength(KEYS);
  expect(stdout).toMatch(/,'-1\+1,1,1,\d+,0,0,/);
});

test('writes JSON Lines to a file, and resumes it after an interruption', async () => {
  const output = join(directory, 'usage.jsonl');
  const given = ['--format', 'json-lines', '--output', output];
  expect(await run(...given)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  const whole = readFileSync(output, 'utf8');
  const rows = whole
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly value: string });
  expect(rows.filter(({ value }) => value.startsWith('key_z'))).toHaveLength(KEYS);
  // The last rows belong to keys that make no requests in the meantime.
  writeFileSync(output, whole.slice(0, whole.length - 100_000));
  expect((await run(...given)).status).toBe(2);
  expect(await run(...given, '--resume')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(output, 'utf8')).toBe(whole);
});

test('groups by operation name', async () => {
  const { stdout } = await run('--group-by', 'operation');
  expect(stdout).toMatch(/^[^,]+,Stock,,1,1,\d+,0,0,/m);
});

test('writes the usage of another workspace, for a key with the scope platform', async () => {
  const own = await startService({ env: { ADMIN_API_KEY: OPERATOR_KEY } });
  const [acme, globex] = [
    await act(own, 'createWorkspace', { name: 'Acme', tier: 'ENTERPRISE' }, OPERATOR_KEY),
    await act(own, 'createWorkspace', { name: 'Globex', tier: 'ENTERPRISE' }, OPERATOR_KEY),
  ];
  const { id, token } = await createKey(own, { name: 'website', scopes: ['read:assets'] }, acme.token);
  await own.query('{ viewer { scopes } }', { token });
  await own.service.latchkey.usage.flush();
  const args = ['--workspace', acme.workspace.id];
  const { status, stdout } = await runOn(own, OPERATOR_KEY, ...args);
  expect([status, stdout]).toEqual([0, expect.stringContaining(`,${id},website,1,1,`)]);
  expect((await runOn(own, OPERATOR_KEY)).stdout).not.toContain(id);
  expect(await runOn(own, globex.token, ...args)).toMatchObject({ status: 1, stdout: '' });
  await own.close();
});
