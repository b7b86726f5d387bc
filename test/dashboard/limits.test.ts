import type { Locator, Page } from 'playwright-core';
import { tierTable } from '../../src/core/limits/tierTable.js';
import { act } from '../e2e/operations.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { until } from '../support/until.js';
import { axe, rest, screenshot } from './browser.js';
import { openDashboard, type TestDashboard } from './support.js';

const tiers = tierTable({
  ENTERPRISE: {
    owner: { rate: 300, burst: 60 },
    quotas: [
      { window: 'month', unit: 'requests', limit: 1_000, subject: 'owner', anchorDay: 15 },
      { window: 'day', unit: 'cost', limit: 90_000, subject: 'workspace' },
    ],
    credits: { unit: 'requests', subject: 'owner', refill: { amount: 50, every: 'month' } },
    cost: { max: 9_000, rate: 50_000, burst: 20_000 },
  },
});

let dashboard: TestDashboard;
let key: { readonly id: string; readonly token: string };
let workspaceId: string;
let projectId: string;
beforeAll(async () => {
  dashboard = await openDashboard({ tiers });
  const { service, admin } = dashboard;
  ({ workspaceId } = dashboard);
  projectId = (await act(service, 'createProject', { name: 'Orders' }, admin)).project.id;
  await act(service, 'addUser', { name: 'Ada', roles: ['viewer'] }, admin);
  key = await createKey(service, { name: 'website', scopes: ['read:all'], externalId: 'cus_1', projectId }, admin);
  for (let i = 0; i < 3; i += 1) await service.query('{ viewer { scopes } }', { token: key.token });
});
afterAll(() => dashboard.close());
afterEach(() => expect(dashboard.browser.faults()).toEqual([]));

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
/** Waits for a bar, which is hidden while it is empty. */
const bar = (within: Locator, name: string | RegExp) =>
  within.getByRole('progressbar', { name }).waitFor({ state: 'attached' });
const ownerPage = () => `/limits?type=EXTERNAL_ID&id=cus_1&workspace=${workspaceId}`;

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  const PAGES = [
    ['limits-key', () => `/keys/${key.id}`, 'website'],
    ['limits-owner', ownerPage, 'Limits of cus_1'],
    ['limits-workspace', () => '/workspace', 'Workspace'],
  ] as const;
  it.each(PAGES)('axe finds nothing serious on the page %s, wide and on a phone', async (name, path, title) => {
    const page = await dashboard.open(path(), { colorScheme });
    await heading(page, title);
    await rest(page);
    expect(await axe(page)).toEqual([]);
    await screenshot(page, `${name}-${colorScheme}`);
    await page.setViewportSize({ width: 360, height: 740 });
    await until(() => page.evaluate('document.documentElement.scrollWidth <= 360'));
    expect(await axe(page)).toEqual([]);
    await screenshot(page, `${name}-${colorScheme}-phone`);
  });
});

it('shows the quotas, credits and cost limits of a key, and links those that it shares', async () => {
  const { service, admin } = dashboard;
  // Its requests count for a minute, and the tests of the pages can take longer.
  const fresh = await createKey(
    service,
    { name: 'fresh', scopes: ['read:all'], externalId: 'cus_2', projectId },
    admin,
  );
  for (let i = 0; i < 3; i += 1) await service.query('{ viewer { scopes } }', { token: fresh.token });
  const page = await dashboard.open(`/keys/${fresh.id}`);
  await heading(page, 'fresh');
  const limits = part(page, 'Limits');
  const used = (name: string) => bar(limits, name);
  await used('All keys of the owner per month: 3 of 1,000 used');
  await used('All keys of the workspace per day, in cost units: ');
  await limits.getByText('3 used. Renewed on').waitFor();
  await limits.getByText('Credits of all keys of the owner').waitFor();
  await limits.getByText('47 requests left').waitFor();
  await limits.getByText('Raised to 50 every month, next on').waitFor();
  await used('Cost per minute: 9 of 50,000 used');
  await limits.getByText('An operation can cost at most 9,000 units.').waitFor();
  // An admin without platform can't change them.
  expect(await limits.getByRole('button').count()).toBe(0);

  await limits.getByRole('link', { name: 'All keys of cus_2' }).click();
  await heading(page, 'Limits of cus_2');
  const owner = part(page, 'All keys of the owner');
  await bar(owner, 'Per month: 3 of 1,000 used');
  await owner.getByText('47 requests left').waitFor();
  expect(await owner.getByRole('button').count()).toBe(0);
});

it('shows those of a project, a user and the workspace', async () => {
  const page = await dashboard.open('/workspace');
  await bar(part(page, 'Limits of all keys'), /^Per day, in cost units: /);
  await page.getByRole('link', { name: 'Limits of Orders' }).click();
  await heading(page, 'Limits of Orders');
  await page.getByText('limits each key by itself').waitFor();
  await page.getByRole('link', { name: 'Workspace' }).last().click();
  await page.getByRole('link', { name: 'Limits of Ada' }).click();
  await heading(page, 'Limits of Ada');
  await bar(part(page, 'All keys of the user'), 'Per month: 0 of 1,000 used');
});

it('a key of a project sees the limits of its project, and not those of the workspace', async () => {
  const { service, admin } = dashboard;
  const { token } = await createKey(service, { name: 'bound', scopes: ['admin'], projectId }, admin);
  const page = await dashboard.open('/workspace', { token });
  await page.getByRole('link', { name: 'Limits of Orders' }).waitFor();
  expect(await part(page, 'Limits of all keys').count()).toBe(0);
});

it('the table of tiers has the quotas, credits and cost limits', async () => {
  const page = await dashboard.open('/workspace');
  const rowOf = (name: string) => page.getByRole('table', { name: 'Tiers' }).getByRole('row', { name });
  await rowOf('Shared').getByText('All keys of an owner: 300 per minute, 60 per second').waitFor();
  await rowOf('Quotas').getByText('All keys of an owner: 1,000 requests per month, from day 15').waitFor();
  await rowOf('Quotas').getByText('All keys: 90,000 cost units per day').waitFor();
  await rowOf('Credits').getByText('All keys of an owner: raised to 50 every month').waitFor();
  await rowOf('Cost units').getByText('9,000 per operation').waitFor();
});

it('the operator sets quotas with an end and a reason by keyboard, and removes them', async () => {
  const page = await dashboard.open(ownerPage(), { token: OPERATOR_KEY });
  await heading(page, 'Limits of cus_1');
  const open = page.getByRole('button', { name: 'Set limits' });
  await open.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Set limits' });
  await dialog.getByRole('radio', { name: 'Other quotas than the tier' }).focus();
  await page.keyboard.press('Space');
  const first = dialog.getByRole('group', { name: 'Quota 1' });
  await first.getByLabel('Limit').fill('0');
  await first.getByText('Enter a whole number of at least 1.').waitFor();
  expect(await dialog.getByRole('button', { name: 'Set limits' }).isDisabled()).toBe(true);
  await first.getByLabel('Limit').fill('5000');
  await first.getByLabel('From day').fill('15');
  await dialog.getByRole('button', { name: 'Add quota' }).click();
  const second = dialog.getByRole('group', { name: 'Quota 2' });
  await second.getByText('Another quota has this period and unit.').waitFor();
  await second.getByRole('combobox', { name: 'Per' }).click();
  await page.getByRole('option', { name: 'Day', exact: true }).click();
  await second.getByLabel('Limit').fill('400');
  await dialog.getByLabel('Until').fill('2099-01-31T12:00');
  await dialog.getByLabel('Reason').fill('Launch');
  expect(await axe(page)).toEqual([]);
  await screenshot(page, 'limits-dialog');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  // The focus returns to the button.
  await until(async () => (await page.evaluate('document.activeElement?.textContent')) === 'Set limits');
  const owner = part(page, 'All keys of the owner');
  await bar(owner, 'Per month: 3 of 5,000 used');
  await bar(owner, 'Per day: 0 of 400 used');
  await owner.getByText('Replaces the limit of the tier, until').first().waitFor();
  await owner.getByText('Reason: Launch').waitFor();
  const { body } = await dashboard.service.query(
    `{ limitOverrides(workspaceId: "${workspaceId}") { nodes { id until reason quotas { window unit limit anchorDay } } } }`,
    { token: OPERATOR_KEY },
  );
  expect(body.data.limitOverrides.nodes).toEqual([
    {
      ...{ id: 'cus_1', reason: 'Launch', until: expect.stringMatching(/^2099-01-31T/) },
      quotas: [
        { window: 'MONTH', unit: 'REQUESTS', limit: 5_000, anchorDay: 15 },
        { window: 'DAY', unit: 'REQUESTS', limit: 400, anchorDay: null },
      ],
    },
  ]);

  // The form begins with the limits that were set.
  await open.click();
  await dialog.getByRole('group', { name: 'Quota 2' }).waitFor();
  expect(await dialog.getByLabel('Reason').inputValue()).toBe('Launch');
  await dialog.getByRole('radio', { name: 'Quotas of the tier' }).check();
  await dialog.getByRole('button', { name: 'Use the limits of the tier' }).click();
  await dialog.waitFor({ state: 'detached' });
  await bar(owner, 'Per month: 3 of 1,000 used');
  await owner.getByText('Reason: Launch').waitFor({ state: 'detached' });
});

it('the operator adds credits once for each reference', async () => {
  const page = await dashboard.open(`/keys/${key.id}`, { token: OPERATOR_KEY });
  const limits = part(page, 'Limits');
  await limits.getByText('47 requests left').waitFor();
  const dialog = page.getByRole('dialog', { name: 'Add credits' });
  const fill = async (reference: string) => {
    await limits.getByRole('button', { name: 'Add credits' }).click();
    await dialog.getByText('All keys of cus_1').waitFor();
    await dialog.getByLabel('Credits to add').fill('200');
    await dialog.getByLabel('Reference').fill(reference);
    await dialog.getByRole('button', { name: 'Add credits' }).click();
  };
  await fill('invoice-7');
  await dialog.waitFor({ state: 'detached' });
  await limits.getByText('247 requests left').waitFor();
  await fill('invoice-7');
  await dialog
    .getByRole('alert')
    .getByText(/were added before. The balance is \d+\./)
    .waitFor();
  expect(await axe(page)).toEqual([]);
});

it('lists exceptions, and sets limits of any subject', async () => {
  const page = await dashboard.open('/workspace', { token: OPERATOR_KEY });
  const exceptions = part(page, 'Exceptions');
  await exceptions.getByText('The limits of the tier apply to all keys.').waitFor();
  await exceptions.getByRole('button', { name: 'Set limits' }).click();
  const dialog = page.getByRole('dialog', { name: 'Set limits' });
  await dialog.getByLabel('ID').fill('cus_9');
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await dialog.getByText('External ID cus_9').waitFor();
  await dialog.getByLabel('Requests per minute').fill('77');
  await dialog.getByRole('button', { name: 'Set limits' }).click();
  await dialog.waitFor({ state: 'detached' });
  await exceptions.getByText('77 requests per minute').waitFor();
  await screenshot(page, 'limits-exceptions');
  await exceptions.getByRole('link', { name: 'cus_9' }).click();
  await heading(page, 'Limits of cus_9');
  await bar(page.locator('body'), 'Per minute: 0 of 77 used');
});
