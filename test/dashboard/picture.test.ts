import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { act } from '../e2e/operations.js';
import { PROJECT } from '../support/project.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { openBrowser, type TestBrowser } from './browser.js';
import { signIn } from './support.js';

const PICTURE = join(PROJECT, 'docs/dashboard.png');
const TEXT = join(PROJECT, 'test/dashboard/picture.txt');

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Frozen in the service and in the browser, so that each run shows the same. */
const NOW = Date.parse('2026-03-02T09:30:00Z');

let now = NOW;
let service: TestService;
let browser: TestBrowser;
beforeAll(async () => {
  service = await startService({ now: () => now, env: { ADMIN_API_KEY: OPERATOR_KEY } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await service.close();
});

/** Tokens and ids are random, and so are their visible parts. */
const steady = (text: string): string =>
  text.replaceAll(/(lk[scr]_(?:live|test)_)\w{6}…/g, '$1……').replaceAll(/key_\w+/g, 'key_…');

/** A workspace as it looks after a few months. Returns the token of its admin. */
async function furnish(): Promise<string> {
  const at = (days: number): number => (now = NOW - days * DAY);
  at(90);
  const workspace = { name: 'Northwind', tier: 'GROWTH' };
  const { token: admin } = await act(service, 'createWorkspace', workspace, OPERATOR_KEY);
  const project = (await act(service, 'createProject', { name: 'Ingestion' }, admin)).project.id;
  const make = async (days: number, usedMinutesAgo: number | null, input: Parameters<typeof createKey>[1]) => {
    at(days);
    const { id, token } = await createKey(service, input, admin);
    if (usedMinutesAgo === null) return id;
    now = NOW - usedMinutesAgo * MINUTE;
    await service.query('{ viewer { scopes } }', { token });
    return id;
  };
  const soon = (days: number): string => new Date(NOW + days * DAY).toISOString();
  const left = await make(80, null, { name: 'old-laptop', scopes: ['read:all', 'write:all'] });
  await make(62, 3, { name: 'production-backend', scopes: ['read:all', 'write:all'], expiresAt: soon(28) });
  await make(55, 26, { name: 'web-frontend', type: 'CLIENT', scopes: ['read:assets', 'write:events'] });
  await make(41, 1, { name: 'grafana', type: 'READ_ONLY', scopes: ['read:all'] });
  const airflow = { name: 'airflow', scopes: ['read:assets', 'write:assets'], projectId: project };
  const replaced = await make(30, 90, airflow);
  await make(12, 600, { name: 'ci-pipeline', environment: 'TEST', scopes: ['read:assets'], expiresAt: soon(6) });
  now = NOW - 60 * MINUTE;
  await act(service, 'revokeApiKey', { id: left, reason: 'The laptop was lost' }, admin);
  await act(service, 'rotateApiKey', { id: replaced, overlap: 'P7D' }, admin);
  now = NOW;
  // Used by the page itself: otherwise it would be random whether this is visible.
  await service.query('{ viewer { scopes } }', { token: admin });
  await service.service.latchkey.usage.flush();
  return admin;
}

// Updated by `PICTURE=write npm test -- test/dashboard/picture`. Look at the result.
// The accessible tree is compared instead of pixels, which differ between versions of Chromium.
test('the dashboard has the content of docs/dashboard.png, which the README shows', async () => {
  const admin = await furnish();
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    colorScheme: 'light',
  });
  await page.clock.setFixedTime(NOW);
  await page.goto(`${service.origin}/dashboard/keys`);
  await signIn(page, admin);
  await page.getByRole('link', { name: 'production-backend' }).waitFor();
  await page.mouse.move(100, 700);
  const text = `${steady(await page.locator('body').ariaSnapshot())}\n`;
  if (process.env.PICTURE === 'write') {
    writeFileSync(TEXT, text);
    writeFileSync(PICTURE, await page.screenshot({ animations: 'disabled' }));
  }
  expect(existsSync(PICTURE)).toBe(true);
  expect(text).toBe(readFileSync(TEXT, 'utf8'));
  expect(browser.faults()).toEqual([]);
});
