import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawned, type Child } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { freePort } from '../support/freePort.js';

/** A copy of the project's sources, so that the test can change them. */
let copy: string;
let dev: Child;
let service: string;
let dashboard: string;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'latchkey-dev-'));
  for (const path of ['package.json', 'schema.graphql', 'src', 'scripts', 'test/support']) {
    cpSync(join(PROJECT, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  const [port, dashboardPort] = [await freePort(), await freePort()];
  service = `http://127.0.0.1:${port}`;
  dashboard = `http://127.0.0.1:${dashboardPort}`;
  const env = {
    PORT: String(port),
    DASHBOARD_PORT: String(dashboardPort),
    DATA_DIR: join(copy, 'data'),
    BCRYPT_COST: '4',
  };
  dev = spawned(['scripts/dev.js'], { cwd: copy, env });
  await Promise.all([dev.waitFor(/hot reload: /), dev.waitFor(/listens on/)]);
});
afterAll(async () => {
  // The signal also ends the service.
  expect(await dev.stop('SIGINT')).toBe(0);
  await expect(fetch(`${service}/healthz`)).rejects.toThrow('fetch failed');
  rmSync(copy, { recursive: true, force: true });
});

test('npm run dev serves the dashboard with hot reload, and the API at the same origin', async () => {
  const page = await (await fetch(`${dashboard}/dashboard/`)).text();
  expect(page).toContain('/dashboard/@vite/client');
  expect(page).toContain('@react-refresh');
  const response = await fetch(`${dashboard}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ __typename }"}',
  });
  expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  expect(await (await fetch(`${dashboard}/dashboard/config.json`)).json()).toEqual({ oidc: null });
});

test('npm run dev starts the service again after a change', async () => {
  appendFileSync(join(copy, 'src/server/main.ts'), "\nconsole.log('changed');\n");
  await dev.waitFor(/changed/);
  await dev.waitFor(/listens on[^]*listens on/);
});
