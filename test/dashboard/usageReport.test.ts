import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createKey } from '../support/service.js';
import { act } from '../e2e/operations.js';
import { openDashboard, type TestDashboard } from './support.js';
import { axe, rest } from './browser.js';

let dashboard: TestDashboard;
let busy: { readonly id: string };

beforeAll(async () => {
  dashboard = await openDashboard();
  const { service, admin } = dashboard;
  const { user } = await act(service, 'addUser', { name: 'Ada', roles: ['viewer'] }, admin);
  const key = await createKey(service, { name: 'busy', scopes: ['read:assets'], userId: user.id }, admin);
  const other = await createKey(service, { name: '=quiet', scopes: ['read:assets'] }, admin);
  busy = key;
  for (let i = 0; i < 5; i++) await service.query('query Stock { viewer { scopes } }', { token: key.token });
  await service.query('{ apiKeys { totalCount } }', { token: other.token });
  await service.service.latchkey.usage.flush();
});
afterAll(() => dashboard.close());
afterEach(() => expect(dashboard.browser.faults()).toEqual([]));

test('shows the usage of a period by key, most requests first, and by other groups', async () => {
  const page = await dashboard.open('/usage');
  const table = page.getByRole('table', { name: 'Usage by key' });
  await table.waitFor();
  const rowOf = (text: string) => page.getByRole('row').filter({ hasText: text });
  expect(await rowOf('busy').getByRole('cell').allTextContents()).toEqual(['busy', '5', '5', '0', '0', '15']);
  expect(await rowOf('=quiet').getByRole('cell').allTextContents()).toEqual(['=quiet', '0', '0', '0', '1', '0']);
  expect(await table.getByRole('link', { name: 'busy' }).getAttribute('href')).toContain(`/keys/${busy.id}`);
  const counts = await table.locator('tbody td:nth-child(2)').allTextContents();
  expect(counts.map(Number)).toEqual(counts.map(Number).toSorted((a, b) => b - a));
  expect(await axe(page)).toEqual([]);

  // Rows of the former group must not be shown in the meantime.
  await page.route('**/graphql', async (route) => {
    await setTimeout(300);
    await route.continue();
  });
  await page.getByRole('combobox', { name: 'Group by' }).click();
  await page.getByRole('option', { name: 'Operation name' }).click();
  await page.getByRole('table', { name: 'Usage by operation name' }).waitFor();
  expect(await rowOf('Stock').getByRole('cell').allTextContents()).toEqual(['Stock', '5', '5', '0', '0', '15']);
  expect(new URL(page.url()).search).toBe('?by=OPERATION');

  await page.getByRole('combobox', { name: 'Period' }).click();
  await page.getByRole('option', { name: 'Yesterday' }).click();
  await page.getByText('No requests in this period').waitFor();
});

test('exports the period as CSV', async () => {
  const page = await dashboard.open('/usage?by=OWNER&period=day');
  await page.getByRole('table', { name: 'Usage by owner' }).waitFor();
  await rest(page);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^usage-owner-\d{4}-\d\d-\d\d\.csv$/);
  const lines = readFileSync(await download.path(), 'utf8').split('\n');
  expect(lines[0]).toBe('start,value,name,requests,cost,queryCost,limited,forbidden,cursor');
  expect(lines.find((line) => line.includes(',Ada,'))).toMatch(
    /^\d{4}-\d\d-\d\dT00:00:00\.000Z,usr_\w+,Ada,5,5,\d+,0,0,[\w-]+$/,
  );
});
