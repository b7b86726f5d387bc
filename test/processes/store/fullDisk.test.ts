import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile } from '../../support/child.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { until } from '../../support/until.js';

const CREATE = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { apiKey { id } } }';

/** A limit on the size of files, which looks like a full disk to the server. */
function limitFiles(pid: number | undefined, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

test('X7: with a full disk, changes are refused and /readyz shows the reason, until there is room', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-full-'));
  const child = runFile(MAIN, { PORT: '0', DATA_DIR: dir, BCRYPT_COST: '4', ADMIN_API_KEY: OPERATOR_KEY });
  try {
    const url = (await child.waitFor(/listens on (\S+)/))[1] ?? '';
    const ask = async (query: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_KEY}` };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return { status: response.status, text: await response.text() };
    };
    const ready = async () => {
      const response = await fetch(new URL('/readyz', url));
      return { status: response.status, text: await response.text() };
    };
    expect((await ask(CREATE)).text).toContain('"id"');
    limitFiles(child.process.pid, statSync(join(dir, 'latchkey.db-wal')).size);

    const refused = await ask(CREATE);
    expect(refused.text).toContain('The change was not made: the disk of the store reports an error. Try again later.');
    expect(refused.text).toContain('"code":"UNAVAILABLE"');
    expect((await ask('{ apiKeys { totalCount } }')).text).toContain('"totalCount":1');
    const notReady = { status: 503, text: '{"status":"the disk of the store reports an error"}' };
    expect(await ready()).toEqual(notReady);
    // As long as it lasts: only a write shows that there is room.
    expect(await ready()).toEqual(notReady);
    expect(child.output().stderr).toContain('The store could not write a change.: disk I/O error');

    limitFiles(child.process.pid, 'unlimited');
    await until(async () => (await ready()).status === 200);
    expect((await ask(CREATE)).text).toContain('"id"');
    expect(await child.stop('SIGTERM')).toBe(0);
  } finally {
    child.process.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
