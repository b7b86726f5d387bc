import { jest } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { createClient as createClientType } from '../../src/client/index.js';
import { CHROMIUM } from '../support/chromium.js';
import { run } from '../support/run.js';
import { createKey, startService, type TestService } from '../support/service.js';

// Starting a browser takes long on a busy machine.
jest.setTimeout(240_000);

let pages: Server;
let page: string;
let latchkey: TestService;
let browser: Browser;
const directory = mkdtempSync(join(tmpdir(), 'latchkey-client-'));

beforeAll(async () => {
  // Started from the command line: the bundler does not work in Jest's realm.
  const rolldown = 'node_modules/rolldown/bin/cli.mjs';
  const script = join(directory, 'client.js');
  const args = [rolldown, 'src/client/index.ts', '--platform', 'browser', '--format', 'esm', '--file', script];
  expect(await run(process.execPath, args)).toMatchObject({ status: 0 });
  const client = readFileSync(script, 'utf8');
  pages = createServer((request, response) => {
    const isScript = request.url === '/client.js';
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? client : '<!doctype html><title>A page of another origin</title>');
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
  page = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  latchkey = await startService({ env: { DEFAULT_TIER: 'GROWTH', CORS_ORIGINS: page } });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
});
afterAll(async () => {
  await browser.close();
  await latchkey.close();
  pages.closeAllConnections();
  pages.close();
  rmSync(directory, { recursive: true, force: true });
});

it('paces requests from a page of another origin, and receives events', async () => {
  const { token } = await createKey(latchkey, { scopes: ['read:assets', 'write:assets'] });
  const tab = await browser.newPage();
  await tab.goto(page);
  const answers = await tab.evaluate(
    async ({ url, apiKey }) => {
      const path = '/client.js';
      const { createClient } = (await import(path)) as { createClient: typeof createClientType };
      const client = createClient({ url, apiKey });
      const read = (first: number) => client.request('query ($n: Int!) { assets(first: $n) { name } }', { n: first });
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => read(i + 1)));
      return answers.length;
    },
    { url: latchkey.url, apiKey: token },
  );
  expect(answers).toBe(40);
  expect(latchkey.logs.filter((line) => line.includes('"status":429'))).toEqual([]);
  const seen = await tab.evaluate(
    async ({ url, apiKey }) => {
      const path = '/client.js';
      const { createClient } = (await import(path)) as { createClient: typeof createClientType };
      const client = createClient({ url, apiKey });
      const register = () => client.request('mutation { registerAsset(input: { name: "from-a-page" }) { name } }');
      const events = client.subscribe('subscription { assetChanged { name } }');
      const next = events.next();
      let told: unknown = null;
      void next.then(({ value }) => (told = value));
      // Until the stream is open, events are lost.
      for (const end = Date.now() + 60_000; told === null && Date.now() < end;) await register();
      await events.return?.();
      const refused: unknown = await createClient({ url, apiKey: 'ak_wrong' })
        .request('{ assets { name } }')
        .catch((error: unknown) => {
          const { name, reason } = error as Record<string, unknown>;
          return [name, reason];
        });
      return { told, refused };
    },
    { url: latchkey.url, apiKey: token },
  );
  expect(seen).toEqual({
    told: { assetChanged: { name: 'from-a-page' } },
    refused: ['Unauthenticated', 'malformed'],
  });
});
