import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runFile } from '../support/child.js';
import { run } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { answering } from './answering.js';
import { latchkey, PROGRAM } from './latchkey.js';

let service: TestService;
let env: Record<string, string>;
beforeAll(async () => {
  service = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE' } });
  env = { LATCHKEY_URL: service.url, LATCHKEY_API_KEY: service.adminToken, TERM: 'xterm' };
});
afterAll(() => service.close());

/** Runs a shell command in its own terminal. Once the screen shows a question, types the response. */
async function onTerminal(line: string, typed = '', more: Record<string, string> = {}) {
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: { PATH: process.env.PATH, ...env, ...more },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 150_000,
  });
  // Left open: its end would be typed as well.
  child.stdin.on('error', () => undefined);
  let screen = '';
  let isAnswered = typed === '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    if (isAnswered || !/\?[^?]*$/.test(screen)) return;
    isAnswered = true;
    child.stdin.write(typed);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  expect(isAnswered).toBe(true);
  return { screen, status };
}
const PROGRAM_LINE = `${process.execPath} ${PROGRAM}`;
const statusOf = async (id: string): Promise<string> =>
  (await service.query(`{ apiKey(id: "${id}") { status } }`)).body.data.apiKey.status;

test('revoke names the key and asks for confirmation; only yes confirms', async () => {
  const { id } = await createKey(service, { name: 'Airflow' });
  const line = `${PROGRAM_LINE} keys revoke ${id}`;
  for (const typed of ['\n', 'n\n', 'sure\n']) {
    const { screen, status } = await onTerminal(line, typed);
    expect(screen).toMatch(/Revoke the key "Airflow" \(lks_live_\w{6}, key_\w{16}\)\?/);
    expect([status, await statusOf(id)]).toEqual([1, 'ACTIVE']);
  }
  await onTerminal(line, '\u0003');
  expect(await statusOf(id)).toBe('ACTIVE');
  expect((await onTerminal(line, 'y\n')).status).toBe(0);
  expect(await statusOf(id)).toBe('REVOKED');
});

test('colours are only used for terminals that support them', async () => {
  const line = `${PROGRAM_LINE} keys list`;
  const ESCAPE = '\u001b[';
  expect((await onTerminal(line)).screen).toContain(ESCAPE);
  expect((await onTerminal(line, '', { NO_COLOR: '1' })).screen).not.toContain(ESCAPE);
  expect((await latchkey(['keys', 'list'], { env })).stdout).not.toContain(ESCAPE);
});

test("text from others can't control the terminal", async () => {
  const name = '\u001b]0;owned\u0007\u009b2Jkey\u202e\nsecond line';
  const key = {
    id: 'key_1', name, source: 'CREATED', prefix: 'lks_live_abcdef', type: 'SECRET', environment: 'LIVE',
    scopes: ['admin\u001b[31m'], roles: [], project: { id: 'prj_1', name }, user: null, externalId: null, allowedAddresses: [],
    trustedDocuments: null, status: 'ACTIVE', createdAt: null, createdBy: null, expiresAt: null, revokedAt: null,
    revokedReason: name, workspaceId: 'ws_1', effectiveScopes: ['admin\u001b[31m'], createdByName: name, lastUsedAt: null, replaces: null, replacedBy: null, previousTokenLastUsedAt: null,
  }; // prettier-ignore
  const server = await answering(() => ({
    apiKeys: { nodes: [key], totalCount: 1, pageInfo: { hasNextPage: false, endCursor: null } },
  }));
  try {
    const own = { ...env, LATCHKEY_URL: server.url };
    const table = (await latchkey(['keys', 'list'], { env: own })).stdout;
    expect(table).toContain('\\u{1b}]0;owned\\u{7}\\u{9b}2Jkey\\u{202e}\\u{a}second line');
    const json = (await latchkey(['keys', 'list', '--json'], { env: own })).stdout;
    expect(JSON.parse(json).keys[0].name).toBe(name);
    // oxlint-disable-next-line no-control-regex -- They are what must not be there.
    for (const text of [table, json]) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  } finally {
    server.close();
  }
});

test('ends quietly if the reader closes the pipe early, but not with 0', async () => {
  const { stdout, stderr } = await run(
    'bash',
    ['-c', `${PROGRAM_LINE} schema print | head -1; echo "\${PIPESTATUS[0]}"`],
    { env },
  );
  const [first, status] = stdout.trimEnd().split('\n');
  expect([first?.length, stderr]).toEqual([expect.any(Number), '']);
  // If the pipe took everything before head ended, there is no error.
  expect(['0', '141']).toContain(status);
  const closed = await run('bash', ['-c', `${PROGRAM_LINE} scan ${PROGRAM} 2>&1 >/dev/null | cat`], { env });
  expect(closed.stdout).toBe('1 file scanned. 0 tokens.\n');
});

test('serve works like npm start, and stops with Ctrl-C', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  const child = runFile(PROGRAM, { PORT: '0', DATA_DIR: dir, BCRYPT_COST: '4', LOG_LEVEL: 'silent' }, [], ['serve']);
  try {
    const [, url = ''] = await child.waitFor(/listens on (\S+)/);
    const [, token = ''] = await child.waitFor(/Admin key: (\S+)/);
    expect((await latchkey(['whoami', '--url', url], { env: { LATCHKEY_API_KEY: token } })).status).toBe(0);
    expect(await child.stop('SIGINT')).toBe(0);
  } finally {
    child.process.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
