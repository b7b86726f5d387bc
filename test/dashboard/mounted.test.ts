import { keyOn, startHost, type Host } from '../server/admin/hosts.js';
import { openBrowser, rest, screenshot, type TestBrowser } from './browser.js';
import { signIn } from './support.js';

/** The dashboard on the server of a host, below a path. */
let host: Host;
let browser: TestBrowser;
beforeAll(async () => {
  host = await startHost('express', { path: '/internal/keys' });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await host.close();
});
afterEach(() => expect(browser.faults()).toEqual([]));

test("shows keys below the path of the host, and offers its schema's scopes", async () => {
  const { id } = await keyOn(host, ['read:people'], '/internal/keys');
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${host.origin}/internal/keys/dashboard/keys/${id}`);
  await signIn(page, host.adminToken);
  expect(await page.getByText('read:people').first().isVisible()).toBe(true);
  await page.getByRole('navigation', { name: 'Pages', exact: true }).getByRole('link').first().click();
  await page.getByRole('table', { name: 'API keys' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/internal/keys/dashboard/keys');
  await page.goto(`${host.origin}/internal/keys/dashboard/keys/new`);
  await signIn(page, host.adminToken);
  await page.getByText('read:boards').first().waitFor();
  expect(await page.getByText('read:salaries').count()).toBeGreaterThan(0);
  await rest(page);
  await screenshot(page, 'mounted');
});
