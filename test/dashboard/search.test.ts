import type { Page, Request } from 'playwright-core';
import { givenKey, NOW } from '../core/store/fixtures.js';
import { act, look } from '../e2e/operations.js';
import { createKey } from '../support/service.js';
import { until } from '../support/until.js';
import { axe, rest } from './browser.js';
import { openDashboard, signIn, type TestDashboard } from './support.js';

let dashboard: TestDashboard;
beforeAll(async () => {
  dashboard = await openDashboard();
  // Without requests, which a fast machine sends faster than the tier allows.
  const { store } = dashboard.service.service;
  for (let i = 0; i < 130; i++)
    await givenKey(store, dashboard.workspaceId, { name: `many-${i}`, scopes: ['read:assets'], createdAt: NOW + i });
});
afterAll(() => dashboard.close());
afterEach(() => expect(dashboard.browser.faults()).toEqual([]));

const FIELD = 'Search by name, ID, prefix or token';
const found = (page: Page) => page.getByRole('table', { name: 'Found keys' }).getByRole('link');
const names = (page: Page) =>
  page.getByRole('table', { name: 'API keys' }).locator('tbody td:first-child a').allTextContents();

/** Everything that the page sends, including URLs and headers. */
function watch(page: Page): { readonly sent: () => string; readonly lists: () => number } {
  const requests: Request[] = [];
  page.on('request', (request) => requests.push(request));
  const textOf = (request: Request) =>
    [request.url(), request.postData(), JSON.stringify(request.headers())].join('\n');
  return {
    sent: () => requests.map(textOf).join('\n'),
    lists: () => requests.filter((request) => request.postData()?.includes('query Keys(') === true).length,
  };
}

/** All places where the browser could keep a text. */
const kept = (page: Page) =>
  page.evaluate<string>(`JSON.stringify([location.href, history.state, { ...sessionStorage }, { ...localStorage },
    document.cookie, document.documentElement.outerHTML, [...document.querySelectorAll('input')].map(({ value }) => value),
    performance.getEntries().map(({ name }) => name)])`);

async function paste(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: FIELD }).focus();
  await page.evaluate(`(() => {
    const data = new DataTransfer();
    data.setData('text', ${JSON.stringify(text)});
    const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    if (document.activeElement.dispatchEvent(event)) document.execCommand('insertText', false, ${JSON.stringify(text)});
  })()`);
}

test.each([
  ['pasted', (token: string) => token],
  ['pasted with spaces', (token: string) => `  ${token}  `],
  ['pasted in quotes', (token: string) => `"${token}"`],
  ['pasted with Bearer', (token: string) => `Authorization: Bearer ${token}`],
  ['pasted with a space in it', (token: string) => `${token.slice(0, 35)} ${token.slice(35)}`],
])('U4: finds the key of a token that is %s, and sends its secret nowhere', async (_, wrap) => {
  const { id, token } = await createKey(dashboard.service, { name: 'leaked-key' }, dashboard.admin);
  await act(dashboard.service, 'revokeApiKey', { id }, dashboard.admin);
  const secret = token.slice(-38);
  const page = await dashboard.open('/keys');
  const { sent } = watch(page);
  await paste(page, wrap(token));
  await page.keyboard.press('Enter');
  await found(page).first().waitFor();
  expect(await found(page).allTextContents()).toEqual(['leaked-key']);
  expect(await found(page).getAttribute('href')).toContain(id);
  const address = page.url();
  expect(address).toContain(token.slice(0, 25));

  await found(page).click();
  await page.getByRole('heading', { level: 1, name: 'leaked-key' }).waitFor();
  await page.goBack();
  await found(page).waitFor();
  expect(page.url()).toBe(address);
  const beforeReload = await kept(page);
  await page.reload();
  await signIn(page, dashboard.admin);
  await found(page).waitFor();
  for (const text of [sent(), beforeReload, await kept(page)]) {
    for (const part of [secret, secret.slice(0, 10), secret.slice(10, 20), secret.slice(20, 32)]) {
      expect(text).not.toContain(part);
    }
  }
});

test('U4: also reduces a token that is typed, filled in by a program, or in an old URL', async () => {
  const { token } = await createKey(dashboard.service, { name: 'typed-token' }, dashboard.admin);
  const page = await dashboard.open('/keys');
  const { sent } = watch(page);
  const field = page.getByRole('textbox', { name: FIELD });
  await field.fill(token);
  await found(page).first().waitFor();
  expect(await field.inputValue()).toBe(token.slice(0, 25));
  await field.fill('');
  await found(page).waitFor({ state: 'detached' });
  await field.pressSequentially(token);
  await found(page).first().waitFor();
  expect(sent() + (await kept(page))).not.toContain(token.slice(-38, -28));

  await page.goto(`${dashboard.service.origin}/dashboard/keys?search=${token}`);
  await signIn(page, dashboard.admin);
  await found(page).first().waitFor();
  expect(page.url()).not.toContain(token.slice(-38, -28));
  expect(await kept(page).then((text) => JSON.parse(text)[0])).toContain(token.slice(0, 25));
});

test('U4: finds keys by prefix, lookup ID, key ID and name, and shows when there are none', async () => {
  const { id, token } = await createKey(dashboard.service, { name: 'sought' }, dashboard.admin);
  const page = await dashboard.open('/keys');
  const field = page.getByRole('textbox', { name: FIELD });
  const { prefix } = await look(dashboard.service, id, dashboard.admin);
  for (const text of [prefix, token.slice(0, 25), token.slice(9, 25), id]) {
    await field.fill(text);
    await found(page).first().waitFor();
    expect(await found(page).allTextContents()).toContain('sought');
    await field.fill('');
    await found(page).first().waitFor({ state: 'detached' });
  }
  await field.fill('sough');
  await until(async () => (await names(page)).join() === 'sought');
  await field.fill('lks_live_0000000000000000');
  await page.getByText('No key of this workspace has this name, ID, prefix or token.').waitFor();
  await page.getByRole('button', { name: 'Clear search and filters' }).click();
  await until(async () => (await field.inputValue()) === '');
});

test('U4: only searches for the digest of another system’s token', async () => {
  const secret = 'q7Zt29xLmN04bVcR81sYpQ5w';
  const page = await dashboard.open('/keys');
  const { sent } = watch(page);
  await paste(page, `Bearer ${secret}`);
  await until(() => page.url().includes('search=sha256'));
  await page.getByText('No keys match').waitFor();
  expect(sent() + (await kept(page))).not.toContain(secret.slice(0, 10));
});

test.each([1280, 360, 799])('U4: the API sorts the list, one request per order, at %d px', async (width) => {
  const page = await dashboard.open('/keys?search=many', { viewport: { width, height: 900 } });
  const { lists } = watch(page);
  const first = () => page.locator('a[href^="/dashboard/keys/key_"]').first().textContent();
  await page.getByText('1–25 of 130').waitFor();
  if (width === 1280) {
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await until(async () => (await first()) === 'many-0');
    await page.getByRole('button', { name: 'Name', exact: true }).click();
  } else {
    const select = page.getByRole('combobox', { name: 'Sort by' });
    await select.selectOption({ label: 'Name, A to Z' });
    await until(async () => (await first()) === 'many-0');
    await select.selectOption({ label: 'Name, Z to A' });
  }
  await until(async () => (await first()) === 'many-99');
  await rest(page);
  expect(lists()).toBe(2);
  expect(new URL(page.url()).searchParams.get('sort')).toBe('name descending');
});

test('U4: actors have names in the audit log, on the page of a key and in live events', async () => {
  const { service, admin } = dashboard;
  const second = await createKey(service, { name: 'second-admin', scopes: ['admin'] }, admin);
  const { id } = await createKey(service, { name: 'acted-on' }, second.token);
  const page = await dashboard.open('/events');
  await page.getByText('Connected', { exact: true }).waitFor();
  const successor = (await act(service, 'rotateApiKey', { id, overlap: 'P1D' }, second.token)).apiKey.id;
  await page.getByRole('list', { name: 'Events' }).getByText('by second-admin').first().waitFor();
  await act(service, 'revokeApiKey', { id }, second.token);
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText('by second-admin').first().waitFor();
  expect(await page.getByRole('link', { name: 'second-admin' }).first().getAttribute('title')).toBe(second.id);
  await page.getByRole('link', { name: 'acted-on' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'acted-on' }).waitFor();
  await rest(page);
  const details = page.getByRole('region', { name: 'Details' });
  if (!page.url().endsWith(id)) await page.goto(page.url().replace(successor, id));
  if ((await page.locator('input[type=password]').count()) > 0) await signIn(page, admin);
  await details.getByText('by second-admin').first().waitFor();
  expect(await details.getByText('by second-admin').count()).toBe(2);
  await page.getByRole('alert').getByText('by second-admin').waitFor();
});

test('U4: audit details have names in place of IDs, and highlight additions and removals', async () => {
  const { service, admin } = dashboard;
  const { user } = await act(service, 'addUser', { name: 'Grace Hopper', roles: ['viewer'] }, admin);
  const { id } = await createKey(service, { name: 'graces-key', userId: user.id }, admin);
  const successor = (await act(service, 'rotateApiKey', { id, overlap: 'P1D' }, admin)).apiKey.id;
  const page = await dashboard.open(`/audit?subject=${id}`, {
    colorScheme: 'dark',
    viewport: { width: 360, height: 740 },
  });
  await page.getByRole('listitem').first().waitFor();
  for (const summary of await page.locator('summary').all()) await summary.click();
  const replaced = page.getByRole('listitem').filter({ hasText: 'Key rotated' });
  const link = replaced.getByRole('link', { name: 'graces-key' }).last();
  expect(await link.getAttribute('href')).toContain(successor);
  const created = page.getByRole('listitem').filter({ hasText: 'Key created' });
  await created.locator('ins', { hasText: 'Grace Hopper' }).waitFor();
  expect(await created.locator('dt').allTextContents()).toContain('user');
  expect(await page.locator('dl').allTextContents()).not.toContainEqual(expect.stringMatching(/usr_|key_/));
  const background = await created.locator('ins').first().evaluate('(ins) => getComputedStyle(ins).backgroundColor');
  expect(background).not.toBe('rgba(0, 0, 0, 0)');
  expect(await axe(page)).toEqual([]);
});

test('U4: the table of tiers on a phone shows the current tier and the names of its rows', async () => {
  const page = await dashboard.open('/workspace', { viewport: { width: 360, height: 740 } });
  const current = page.getByRole('columnheader', { name: 'Enterprise' });
  const table = page.getByRole('region', { name: 'Table of tiers' });
  const name = page.getByRole('rowheader', { name: 'Requests per minute' });
  await until(async () => {
    await current.scrollIntoViewIfNeeded();
    const [tier, row, all] = await Promise.all([current, name, table].map((each) => each.boundingBox()));
    if (tier == null || row == null || all == null) return false;
    return row.x >= all.x && tier.x >= row.x + row.width - 1 && tier.x < all.x + all.width;
  }, 'both are visible');
});
