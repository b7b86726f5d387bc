import { createKey, startService, type TestService } from '../support/service.js';
import { openBrowser, type TestBrowser } from './browser.js';

let latchkey: TestService;
let browser: TestBrowser;
beforeAll(async () => {
  latchkey = await startService({ env: { DEFAULT_TIER: 'ENTERPRISE', INTROSPECTION: 'on' } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await latchkey.close();
});

test('R10: GraphiQL works under a Content-Security-Policy: schema, completion, headers and an operation', async () => {
  const { token } = await createKey(latchkey, { scopes: ['read:assets'] });
  const page = await browser.newPage();
  const answer = await page.goto(latchkey.url, { waitUntil: 'load' });
  expect(answer?.headers()['content-security-policy']).toContain("default-src 'none'");

  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await page
    .getByRole('tab', { name: 'Headers' })
    .or(page.getByRole('button', { name: 'Headers' }))
    .first()
    .click();
  const headers = page.locator('.graphiql-editor-tool .monaco-editor:visible').first();
  await headers.click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(`{"Authorization":"Bearer ${token}"}`);
  await page.locator('button.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: 'read:assets' }).waitFor();
  // The editor validates in a worker.
  expect(page.workers().length).toBeGreaterThan(0);
  expect(browser.faults()).toEqual([]);

  // The policy applies: an injected script could neither run nor send anything.
  await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    fetch('http://127.0.0.1:9/' + 'key').catch(() => { window.blocked = true; });
  }`);
  await page.waitForFunction('window.blocked === true');
  expect(await page.evaluate('window.injected')).toBeUndefined();
  expect(browser.faults().some((fault) => fault.includes('script-src'))).toBe(true);
}, 300_000);
