import type { Page } from 'playwright-core';
import { act, look, statusWith } from '../e2e/operations.js';
import { givenKey } from '../core/store/fixtures.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { until } from '../support/until.js';
import { rest, screenshot } from './browser.js';
import { openDashboard, takeToken, type TestDashboard } from './support.js';

let dashboard: TestDashboard;
beforeAll(async () => {
  dashboard = await openDashboard();
});
afterAll(() => dashboard.close());
afterEach(() => expect(dashboard.browser.faults()).toEqual([]));

const key = (input: Parameters<typeof createKey>[1]) => createKey(dashboard.service, input, dashboard.admin);
const see = (id: string) => look(dashboard.service, id, dashboard.admin);
const status = (token: string) => statusWith(dashboard.service, token);
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const rows = (page: Page) => page.getByRole('table', { name: 'API keys' }).locator('tbody tr');
const names = (page: Page) => rows(page).locator('td:first-child a').allTextContents();

it('creates a key, shows it once, and the key works', async () => {
  const page = await dashboard.open('/keys');
  await page.getByRole('link', { name: 'Create API key' }).click();
  await heading(page, 'Create API key');
  await page.getByLabel('Name').fill('airflow-production');
  await page.getByLabel('read:assets', { exact: true }).check();
  await page.getByLabel('Allowed addresses').fill('127.0.0.1\n::1\n192.0.2.0/24');
  await screenshot(page, 'create');
  await page.getByRole('button', { name: 'Create key' }).click();

  const dialog = page.getByRole('dialog', { name: 'Your new API key' });
  const field = dialog.getByLabel('API key', { exact: true });
  await field.waitFor();
  const token = await field.inputValue();
  // The key has the focus, and neither Escape nor the back button closes the dialog.
  await until(() => field.evaluate((element) => element.matches(':focus')));
  await page.keyboard.press('Escape');
  expect(await dialog.getByRole('button', { name: 'Done' }).isDisabled()).toBe(true);
  await page.goBack();
  expect(await field.inputValue()).toBe(token);
  await screenshot(page, 'token');
  await page.goForward();
  expect(await takeToken(page)).toBe(token);

  await heading(page, 'airflow-production');
  expect(await status(token)).toBe(200);
  expect(await page.content()).not.toContain(token);
  expect(page.url()).not.toContain(token);
  await page.reload();
  expect(await page.content()).not.toContain(token);
});

it('shows the errors of a new key at its fields, and creates nothing', async () => {
  const page = await dashboard.open('/keys/new');
  await page.getByLabel('Allowed addresses').fill('not-an-address');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByText('Give the key a name.').waitFor();
  await page.getByText('Choose at least one scope.').waitFor();
  await page.getByText('“not-an-address” is not an IP address or CIDR range.').waitFor();
  // A key for monitoring cannot write: the chosen scopes are removed, with the reason.
  await page.getByLabel('write:assets', { exact: true }).check();
  await page.getByLabel('Read-only', { exact: true }).check();
  const writes = page.getByLabel('write:assets', { exact: true });
  expect([await writes.isChecked(), await writes.isDisabled()]).toEqual([false, true]);
});

it('asks for confirmation before leaving with a key that was not stored', async () => {
  const page = await dashboard.open('/keys/new');
  await page.getByLabel('Name').fill('left-behind');
  await page.getByLabel('read:events', { exact: true }).check();
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.getByRole('dialog', { name: 'Your new API key' }).waitFor();
  // Browsers only show the question after an interaction with the page.
  await page.getByRole('dialog').getByLabel('API key', { exact: true }).click();
  const asked = page.waitForEvent('dialog');
  void page.close({ runBeforeUnload: true });
  const question = await asked;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  await takeToken(page);
});

it('searches, filters, sorts and pages through all keys', async () => {
  for (let i = 0; i < 30; i++) await key({ name: `paged-${String(i).padStart(2, '0')}`, scopes: ['read:events'] });
  await key({ name: 'paged-test', environment: 'TEST', type: 'READ_ONLY', scopes: ['read:all'] });
  await key({ name: 'n'.repeat(100) });
  const page = await dashboard.open('/keys?search=paged');
  await page.getByText('1–25 of 31').waitFor();
  await screenshot(page, 'keys');
  await page.getByRole('button', { name: 'Page 2' }).click();
  await page.getByText('26–31 of 31').waitFor();
  expect(await rows(page).count()).toBe(6);

  await page.getByRole('button', { name: 'Name', exact: true }).click();
  await until(async () => (await names(page))[0] === 'paged-00');
  await page.getByText('1–25 of 31').waitFor();
  await page.getByRole('button', { name: 'Name', exact: true }).click();
  await until(async () => (await names(page))[0] === 'paged-test');
  expect(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort')).toBe('descending');

  await page.getByRole('combobox', { name: 'Environment' }).click();
  await page.getByRole('option', { name: 'Test', exact: true }).click();
  await page.getByText('1–1 of 1').waitFor();
  expect(await names(page)).toEqual(['paged-test']);
  // The URL contains the whole state, so a link shows the same list.
  expect(new URL(page.url()).search).toBe('?search=paged&sort=name+descending&environment=TEST');
  await page.getByLabel('Search by name').fill('nobody-has-this');
  await page.getByText('No keys match').waitFor();
  await page.getByRole('button', { name: 'Clear search and filters' }).click();
  await page.getByText(/^1–25 of/).waitFor();
});

it('rotates a key, and the old one works until the overlap ends', async () => {
  const { id, token } = await key({ name: 'rotated', scopes: ['read:assets'] });
  expect(await status(token)).toBe(200);
  const page = await dashboard.open(`/keys/${id}`);
  await page.getByRole('button', { name: 'Rotate' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rotate “rotated”' });
  await dialog.getByRole('combobox', { name: 'Keep the old key working for' }).click();
  await page.getByRole('option', { name: '7 days' }).click();
  await dialog.getByRole('button', { name: 'Rotate' }).click();
  await page.getByRole('dialog', { name: 'Your rotated API key' }).waitFor();
  const successor = await takeToken(page);
  await page.getByText('The previous key still works').waitFor();
  expect([await status(token), await status(successor)]).toEqual([200, 200]);

  await page.getByRole('link', { name: 'Show the previous key' }).click();
  await page.getByText('This key was rotated').waitFor();
  await rest(page);
  expect(await page.getByRole('button', { name: 'Rotate' }).count()).toBe(0);
  expect((await see(id)).replacedBy).not.toBeNull();
});

it('changes the expiry, name, scopes and addresses of a key', async () => {
  const { id } = await key({ name: 'changed', scopes: ['read:assets', 'write:assets'] });
  const page = await dashboard.open(`/keys/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit API key' });
  await edit.getByLabel('Name').fill('changed-again');
  await edit.getByLabel('write:assets', { exact: true }).uncheck();
  await edit.getByLabel('Allowed addresses').fill('10.0.0.0/8');
  await edit.getByRole('button', { name: 'Save' }).click();
  await heading(page, 'changed-again');
  await edit.waitFor({ state: 'detached' });
  expect(await see(id)).toMatchObject({ name: 'changed-again', scopes: ['read:assets'] });

  await page.getByRole('button', { name: 'Expire' }).click();
  const expire = page.getByRole('dialog', { name: 'Set the expiry of “changed-again”' });
  await expire.getByLabel('Expires').fill('2099-01-01T12:00');
  await expire.getByRole('button', { name: 'Set expiry' }).click();
  await expire.waitFor({ state: 'detached' });
  expect(new Date((await see(id)).expiresAt).getTime()).toBe(new Date('2099-01-01T12:00').getTime());
  // The focus returns to its place.
  await until(() => page.getByRole('button', { name: 'Expire' }).evaluate((button) => button.matches(':focus')));
});

it('revokes a key after its name was typed, and the key is rejected immediately', async () => {
  const { id, token } = await key({ name: 'leaked' });
  expect(await status(token)).toBe(200);
  const page = await dashboard.open(`/keys/${id}`);
  await page.getByRole('button', { name: 'Revoke' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke “leaked”' });
  const revoke = dialog.getByRole('button', { name: 'Revoke key' });
  await dialog.getByLabel('Type the name of the key to confirm').fill('another');
  expect(await revoke.isDisabled()).toBe(true);
  await dialog.getByLabel('Type the name of the key to confirm').fill('leaked');
  await dialog.getByLabel('Reason').fill('It stood in a public place.');
  await screenshot(page, 'revoke');
  await revoke.click();
  await dialog.waitFor({ state: 'detached' });
  expect(await status(token)).toBe(401);
  await page.getByText('It stood in a public place.').first().waitFor();
  expect(await page.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
});

it('shows the usage of a key, its rejected requests, and the scopes that it does not need', async () => {
  const { id, token } = await key({ name: 'asked', scopes: ['read:all', 'write:assets'] });
  for (let i = 0; i < 3; i++) await dashboard.service.query('{ assets { name } }', { token });
  for (let i = 0; i < 2; i++) await dashboard.service.query('{ apiKeys { totalCount } }', { token });
  await dashboard.service.service.latchkey.usage.flush();
  await act(dashboard.service, 'updateApiKey', { id, scopes: ['read:all'] }, dashboard.admin);
  const page = await dashboard.open(`/keys/${id}`);
  const usage = page.getByRole('region', { name: 'Usage', exact: true }).first();
  await usage.locator('.recharts-bar-rectangle').last().waitFor();
  await screenshot(page, 'key');
  await usage.getByRole('button', { name: 'Show as a table' }).click();
  // Summed over all hours, because the test may run across two.
  const hours = await usage.getByRole('table', { name: 'Usage per hour' }).locator('tbody tr').all();
  const sums = [0, 0, 0];
  for (const hour of hours) {
    const [, ...counts] = await hour.locator('td').allTextContents();
    counts.forEach((count, i) => (sums[i] = (sums[i] ?? 0) + Number(count)));
  }
  expect(sums).toEqual([3, 0, 2]);
  await usage.getByText('Last 30 days', { exact: true }).click();
  await usage.getByRole('table', { name: 'Usage per day' }).waitFor();
  await page.getByText('In the last 30 days, the key did not need all of its scopes.').waitFor();
  await page.getByRole('region', { name: 'Audit log' }).getByText('scopes').first().click();
  await page.getByText('removed write:assets').waitFor();
});

it('lists an imported key with the prefix of its table, or with none', async () => {
  const { store } = dashboard.service.service;
  const imported = { name: 'imported-key', tokenPrefix: '', lookupId: 'foreign:sha256:0123456789abcdef' };
  await givenKey(store, dashboard.workspaceId, imported);
  const shown = { name: 'imported-shown', tokenPrefix: 'old_ab', lookupId: 'foreign:sha256:123456789abcdef0' };
  await givenKey(store, dashboard.workspaceId, shown);
  const page = await dashboard.open('/keys?search=imported-');
  const cell = (name: string) => rows(page).filter({ hasText: name }).locator('td:first-child');
  await cell('imported-shown').waitFor();
  expect(await cell('imported-shown').innerText()).toMatch(/^imported-shown\s+old_ab…$/);
  expect((await cell('imported-key').innerText()).trim()).toBe('imported-key');
});

it('sets the limits of a key and of its owner, and removes them', async () => {
  const { id } = await key({ name: 'limited', externalId: 'cus_1' });
  const page = await dashboard.open(`/keys/${id}`, { token: OPERATOR_KEY });
  await heading(page, 'limited');
  const set = async (subject: string, perMinute: string, action: string) => {
    await page.getByRole('button', { name: 'Set limits' }).click();
    const dialog = page.getByRole('dialog', { name: 'Set limits' });
    await dialog.getByRole('combobox', { name: 'Limits of' }).click();
    await page.getByRole('option', { name: subject, exact: true }).click();
    await dialog.getByLabel('Requests per minute').fill(perMinute);
    await dialog.getByLabel('Reason').fill('Launch');
    await dialog.getByRole('button', { name: action, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await set('This key', '77', 'Set limits');
  await page.getByText('of 77 left').first().waitFor();
  await page.getByText('Replaces the limit of the tier').first().waitFor();
  await set('All keys of cus_1', '66', 'Set limits');
  await page.getByText('All keys of the owner per minute').waitFor();
  await page.getByText('66 of 66 left').first().waitFor();
  await screenshot(page, 'limits');
  await set('All keys of cus_1', '', 'Use the limits of the tier');
  await page.getByText('All keys of the owner per minute').waitFor({ state: 'detached' });
});
