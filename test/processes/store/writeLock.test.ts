import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile } from '../../support/child.js';
import { OPERATOR_KEY } from '../../support/service.js';
import { until } from '../../support/until.js';
import { startChild } from '../../core/store/processes.js';

const CREATE = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { apiKey { id } token } }';

test('X1: while another program locks the database, known keys work, /readyz shows the reason, and a change is made once it can be', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-locked-'));
  const child = runFile(MAIN, { PORT: '0', DATA_DIR: dir, BCRYPT_COST: '4', ADMIN_API_KEY: OPERATOR_KEY });
  try {
    const url = (await child.waitFor(/listens on (\S+)/))[1] ?? '';
    const ask = async (query: string, token = OPERATOR_KEY) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return (await response.json()) as { data?: { createApiKey?: { token: string } }; errors?: unknown };
    };
    const ready = async () => {
      const response = await fetch(new URL('/readyz', url));
      return { status: response.status, text: await response.text() };
    };
    const token = (await ask(CREATE)).data?.createApiKey?.token ?? '';
    expect(await ask('{ __typename }', token)).toEqual({ data: { __typename: 'Query' } });
    const holder = await startChild(null, { kind: 'hold', file: join(dir, 'latchkey.db') });

    const created = ask(CREATE);
    expect(await ready()).toEqual({
      status: 503,
      text: '{"status":"another program holds the write lock of the store"}',
    });
    expect(await ask('{ __typename }', token)).toEqual({ data: { __typename: 'Query' } });
    expect((await fetch(new URL('/healthz', url))).status).toBe(200);
    holder.go();
    await holder.end();
    expect((await created).data?.createApiKey?.token).toMatch(/^lks_/);
    // The store is pinged again within a second.
    await until(async () => (await ready()).status === 200);
    expect(await child.stop('SIGTERM')).toBe(0);
  } finally {
    child.process.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
