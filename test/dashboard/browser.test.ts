import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { until } from '../support/until.js';
import { axe, openBrowser, rest, type TestBrowser } from './browser.js';

/** The assumptions of every dashboard test: errors of a page are detected. */
const PAGES: Readonly<Record<string, string>> = {
  '/right': '<main><h1>Right</h1></main>',
  '/inline': '<main><h1>Inline</h1></main><script>document.title = "ran"</script>',
  '/throws': '<main><h1>Throws</h1></main><script src="/throws.js"></script>',
  '/asset': '<main><h1>Asset</h1></main><script src="/dashboard/assets/gone.js"></script>',
  '/throws.js': 'throw new Error("nobody catches it")',
  '/unnamed': '<main><h1>Unnamed</h1><input><img src="data:," ></main>',
};

let server: Server;
let origin: string;
let browser: TestBrowser;
beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const body = PAGES[url];
    response.setHeader('content-type', url.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.setHeader('content-security-policy', "default-src 'none'; script-src 'self'; img-src data:");
    response.statusCode = body === undefined ? 404 : 200;
    response.end(url.endsWith('.js') ? body : `<!doctype html><html lang="en"><title>Page</title>${body ?? ''}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  server.close();
});

test.each([
  ['/right', []],
  ['/inline', ['console: Content-Security-Policy: script-src-elem inline', expect.stringContaining('script-src')]],
  ['/throws', ['page error: nobody catches it']],
  ['/asset', [expect.stringContaining('404')]],
])('%s: the error is reported once', async (path, faults) => {
  const page = await browser.newPage();
  await page.goto(`${origin}${path}`);
  const told: string[] = [];
  await until(() => told.push(...browser.faults()) >= faults.length);
  await rest(page);
  told.push(...browser.faults());
  expect(told.sort()).toEqual(faults);
});

test('axe runs under a policy that does not allow its script, and finds accessibility errors', async () => {
  const page = await browser.newPage();
  await page.goto(`${origin}/right`);
  expect(await axe(page)).toEqual([]);
  await page.goto(`${origin}/unnamed`);
  expect((await axe(page)).map(({ rule }) => rule).sort()).toEqual(['image-alt', 'label']);
  expect(browser.faults()).toEqual([]);
});

test.each([
  ['storage, cookies, size and colours', leaveData],
  ['a fake clock', (page: Page) => page.clock.setFixedTime(0)],
  ['routes', (page: Page) => page.route('**/right', (route) => route.fulfill({ body: 'Wrong' }))],
  ['nothing', () => undefined],
])('a page keeps nothing from the previous test, and leaves %s', async (_, leave) => {
  const page = await browser.newPage();
  await page.goto(`${origin}/right`);
  const [ahead, ...state] = await page.evaluate<[number, ...unknown[]]>(STATE);
  expect(state).toEqual(['Page', 2, 0, 0, '', 1280, 720, false]);
  expect(ahead).toBeGreaterThan(0);
  await leave(page);
});

const STATE = `[Date.now(), document.title, history.length, localStorage.length, sessionStorage.length, document.cookie, innerWidth, innerHeight,
  matchMedia('(prefers-color-scheme: dark)').matches]`;

async function leaveData(page: Page): Promise<void> {
  await page.evaluate('localStorage.a = sessionStorage.b = document.cookie = "c=d"');
  await page.setViewportSize({ width: 360, height: 740 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${origin}/right`);
}
