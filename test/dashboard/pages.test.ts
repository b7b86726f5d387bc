import { act, statusWith } from '../e2e/operations.js';
import { createKey, OPERATOR_KEY } from '../support/service.js';
import { until } from '../support/until.js';
import { axe, rest, screenshot } from './browser.js';
import { openDashboard, type TestDashboard } from './support.js';

let dashboard: TestDashboard;
let rotated: string;
/** The state of the service; null if it runs. */
let stopped: number | null = null;
beforeAll(async () => {
  dashboard = await openDashboard({ now: () => stopped ?? Date.now() });
  const { service, admin } = dashboard;
  await createKey(service, { name: 'n'.repeat(100), scopes: ['read:all', 'write:all'] }, admin);
  await act(service, 'createProject', { name: 'Billing' }, admin);
  await act(service, 'addUser', { name: 'Ada Lovelace', roles: ['viewer'] }, admin);
  const { id } = await createKey(service, { name: 'airflow', allowedAddresses: ['192.0.2.0/24', '127.0.0.1'] }, admin);
  rotated = (await act(service, 'rotateApiKey', { id }, admin)).apiKey.id;
});
afterAll(() => dashboard.close());
afterEach(() => {
  stopped = null;
  expect(dashboard.browser.faults()).toEqual([]);
});

const PAGES = [
  ['keys', () => '/keys', 'API keys'],
  ['create', () => '/keys/new', 'Create API key'],
  ['key', () => `/keys/${rotated}`, 'airflow'],
  ['workspace', () => '/workspace', 'Workspace'],
  ['audit', () => '/audit', 'Audit log'],
  ['events', () => '/events', 'Live events'],
] as const;

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  it.each(PAGES)('axe finds nothing serious on the page %s, wide and on a phone', async (name, path, title) => {
    const page = await dashboard.open(path(), { colorScheme });
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await rest(page);
    expect(await page.title()).toBe(`${title} · Latchkey`);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await axe(page)).toEqual([]);
    await screenshot(page, `${name}-${colorScheme}`);
    await page.setViewportSize({ width: 360, height: 740 });
    // Nothing is wider than the phone: wide content scrolls in its own region.
    await until(() => page.evaluate('document.documentElement.scrollWidth <= 360'));
    expect(await axe(page)).toEqual([]);
    await screenshot(page, `${name}-${colorScheme}-phone`);
  });
});

it('the colours follow the system until they are switched, and stay switched', async () => {
  const page = await dashboard.open('/keys', { colorScheme: 'dark' });
  const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
  expect(await scheme()).toBe('dark');
  await page.getByRole('button', { name: 'Use light colours' }).click();
  await until(async () => (await scheme()) === 'light');
});

it('the operator changes the tier, after seeing the differences', async () => {
  const page = await dashboard.open('/workspace', { token: OPERATOR_KEY });
  await page.getByRole('button', { name: 'Change tier' }).click();
  const dialog = page.getByRole('dialog');
  const select = dialog.getByRole('combobox', { name: 'Tier' });
  const before = await select.inputValue();
  const [wanted, limit] = before === 'Growth' ? ['Professional', '1,000'] : ['Growth', '500'];
  await select.click();
  await page.getByRole('option', { name: wanted, exact: true }).click();
  await dialog.getByRole('listitem').filter({ hasText: `Requests per minute:` }).filter({ hasText: limit }).waitFor();
  await dialog.getByRole('button', { name: 'Change tier' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('columnheader', { name: `${wanted} Current` }).waitFor();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText('Tier changed').first().waitFor();
});

it('creates and renames projects and users', async () => {
  const page = await dashboard.open('/workspace');
  await page.getByRole('button', { name: 'Create project' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Ingestion');
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Rename Ingestion' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Billing');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  // The name is taken: the dialog shows the error and stays open.
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByRole('dialog').getByLabel('Name').fill('Loading jobs');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('cell', { name: /^Loading jobs/ }).waitFor();
});

it('filters the audit log, and shows the details of a change', async () => {
  const { service, admin } = dashboard;
  const { id } = await createKey(service, { name: 'audited', scopes: ['read:assets'] }, admin);
  await act(service, 'updateApiKey', { id, scopes: ['read:assets', 'read:events'] }, admin);
  const page = await dashboard.open(`/audit?subject=${id}&actions=KEY_UPDATED`);
  const entries = page.getByRole('list', { name: 'Entries' }).getByRole('listitem');
  await entries.first().waitFor();
  expect(await entries.count()).toBe(1);
  await entries.first().locator('summary').click();
  await entries.first().getByText('added read:events').waitFor();
});

it('shows an event while the page is open, and reconnects a lost stream', async () => {
  const page = await dashboard.open('/keys');
  await page.route('**/graphql/stream', (route) => route.abort());
  await page.getByRole('link', { name: 'Live events' }).click();
  await page.getByText(/^Reconnecting/).waitFor();
  await page.unroute('**/graphql/stream');
  await page.getByText('Connected', { exact: true }).waitFor();
  await createKey(dashboard.service, { name: 'seen-at-once' }, dashboard.admin);
  await page.getByRole('link', { name: 'seen-at-once' }).waitFor();
});

it('a key without a scope sees which one is missing, and an expired key sees the sign-in page', async () => {
  const { service, admin } = dashboard;
  const { id, token } = await createKey(service, { name: 'was-admin', scopes: ['admin'] }, admin);
  const page = await dashboard.open('/workspace', { token });
  await act(service, 'updateApiKey', { id, scopes: ['read:all'] }, admin);
  await page.getByRole('link', { name: 'API keys', exact: true }).click();
  const notice = page.getByRole('alert');
  await notice.getByText('Permission denied').waitFor();
  expect(await notice.getByRole('listitem').allTextContents()).toEqual(['admin']);
  expect(await axe(page)).toEqual([]);
  await screenshot(page, 'forbidden');
  await act(service, 'revokeApiKey', { id }, admin);
  await page.getByRole('link', { name: 'Workspace' }).click();
  await page.locator('input[type=password]').waitFor();
});

it('creates a key with the keyboard', async () => {
  const page = await dashboard.open('/keys');
  await page.getByRole('heading', { level: 1 }).waitFor();
  const reach = async (name: string) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      const reached = await page.evaluate<string>(FOCUSED);
      if (reached.includes(name)) return;
    }
    throw new Error(`Tab does not lead to ${name}.`);
  };
  await reach('Create API key');
  await page.keyboard.press('Enter');
  await page.getByLabel('Name').waitFor();
  await rest(page);
  await reach('Name');
  await page.keyboard.type('by-keyboard');
  await reach('read:assets');
  await page.keyboard.press('Space');
  await reach('Create key');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await reach('I have stored the key');
  const token = await page.getByRole('dialog').getByLabel('API key', { exact: true }).inputValue();
  await page.keyboard.press('Space');
  await reach('Done');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'by-keyboard' }).waitFor();
  expect(await statusWith(dashboard.service, token)).toBe(200);
});

it('counts down a rate limit, and repeats the request', async () => {
  const small = await act(dashboard.service, 'createWorkspace', { name: 'Small', tier: 'FREE_TRIAL' }, OPERATOR_KEY);
  const token: string = small.token;
  const page = await dashboard.open('/keys', { token });
  await page.getByText('0 of 1 key in use').waitFor();
  // Other callers of the same key use up its burst, and the clock is frozen.
  stopped = Date.now();
  await until(async () => (await statusWith(dashboard.service, token)) === 429);
  await page.getByRole('link', { name: 'Workspace' }).click();
  await page.getByText('Too many requests').first().waitFor();
  await page.getByRole('timer').first().waitFor();
  stopped += 60_000;
  await page.getByRole('columnheader', { name: 'Free Trial Current' }).waitFor();
});

/** The accessible name of the focused element, approximately. */
const FOCUSED = `(() => {
  const element = document.activeElement;
  const labels = [...(element?.labels ?? [])].map((label) => label.textContent);
  return element?.getAttribute('aria-label') ?? (labels.length > 0 ? labels.join(' ') : (element?.textContent ?? ''));
})()`;
