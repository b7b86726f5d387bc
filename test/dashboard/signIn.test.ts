import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { mintToken } from '../../src/core/keys/token.js';
import { AUDIENCE, DASHBOARD_CLIENT, startIssuer, type Issuer } from '../support/issuer.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { until } from '../support/until.js';
import { axe, openBrowser, rest, screenshot, type TestBrowser } from './browser.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-signIn-'));
const clock = { ahead: 0 };
let issuer: Issuer;
let latchkey: TestService;
let browser: TestBrowser;
beforeAll(async () => {
  issuer = await startIssuer();
  const file = join(dir, 'latchkey.yaml');
  writeFileSync(
    file,
    `auth: { oidc: { issuer: "${issuer.url}", audience: "${AUDIENCE}", dashboard: { client_id: ${DASHBOARD_CLIENT}, scopes: [openid, offline_access, admin, "read:assets"] } } }
tiers: { GROWTH: { per_minute: 10000, per_second: 1000 } }`,
  );
  latchkey = await startService({
    env: { LATCHKEY_CONFIG: file, PUBLIC_URL: 'https://api.latchkey.example' },
    now: () => Date.now() + clock.ahead,
  });
  await issuer.allowDashboard(latchkey.origin);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await latchkey.close();
  await issuer.leave();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  clock.ahead = 0;
  Object.assign(issuer.people, { audience: AUDIENCE, lifetime: 600, refresh: true });
});
afterEach(async () => {
  expect(browser.faults()).toEqual([]);
});

async function open(path = '/dashboard/'): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(latchkey.origin + path);
  await page.getByRole('heading', { name: 'Sign in to Latchkey' }).waitFor();
  return page;
}

async function enter(page: Page, key: string, { keep = false } = {}): Promise<void> {
  await page.getByLabel('API key').fill(key);
  if (keep) await page.getByLabel('Stay signed in until I close this tab').check();
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** The first page has also loaded completely. */
async function isIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await rest(page);
}
const isOut = (page: Page, reason: string): Promise<void> =>
  page.getByRole('alert').filter({ hasText: reason }).waitFor();

/** All places where a page could leave data behind. */
async function leftBehind(page: Page): Promise<Record<'cookies' | 'local' | 'session' | 'address', string>> {
  const read = (storage: string): Promise<string> => page.evaluate(`JSON.stringify(Object.entries(${storage}))`);
  return {
    cookies: JSON.stringify(await page.context().cookies(latchkey.origin)),
    local: await read('localStorage'),
    session: await read('sessionStorage'),
    address: page.url(),
  };
}

describe('by key', () => {
  it('an admin key opens the dashboard, and is not in any cookie, storage or URL', async () => {
    const page = await open('/dashboard/workspace');
    await enter(page, latchkey.adminToken);
    await isIn(page);
    expect(page.url()).toBe(`${latchkey.origin}/dashboard/workspace`);
    expect(JSON.stringify(await leftBehind(page))).not.toContain(latchkey.adminToken);
    await page.reload();
    await page.getByLabel('API key').waitFor();
  });

  it('a key that is kept is only kept in this tab, across reloads', async () => {
    const page = await open();
    await enter(page, ` Bearer ${latchkey.adminToken}\n`, { keep: true });
    await isIn(page);
    const { session, ...others } = await leftBehind(page);
    expect(session).toContain(latchkey.adminToken);
    expect(JSON.stringify(others)).not.toContain(latchkey.adminToken);
    await page.reload();
    await isIn(page);
    const tab = await browser.newTab(page);
    await tab.goto(`${latchkey.origin}/dashboard/`);
    await tab.getByLabel('API key').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(JSON.stringify(await leftBehind(page))).not.toContain(latchkey.adminToken);
    await page.reload();
    await page.getByLabel('API key').waitFor();
  });

  it.each([
    ['malformed', () => Promise.resolve('nonsense'), 'is malformed'],
    ['with white space', () => Promise.resolve('two words'), 'Copy the key again'],
    ['unknown', () => Promise.resolve(mintToken('lks', 'LIVE').token), 'is unknown'],
    [
      'revoked',
      async () => {
        const { token, id } = await createKey(latchkey, { scopes: ['admin'] });
        await latchkey.query(`mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { id } } }`);
        return token;
      },
      'was revoked',
    ],
    [
      'expired',
      async () => {
        const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
        const { token } = await createKey(latchkey, { scopes: ['admin'], expiresAt });
        clock.ahead = 3_600_000;
        return token;
      },
      'has expired',
    ],
    [
      'no admin',
      async () => (await createKey(latchkey)).token,
      'requires the scope admin. This key or account has read:assets',
    ],
  ])('a key that is %s is rejected with the reason', async (_, make, reason) => {
    const page = await open();
    const key = await make();
    await enter(page, key, { keep: true });
    await isOut(page, reason);
    expect(JSON.stringify(await leftBehind(page))).not.toContain(key);
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    // Ready for the next attempt.
    expect(await page.evaluate('document.activeElement.type')).toBe('password');
  });

  it('a rate-limited key sees how long to wait', async () => {
    const page = await open();
    const body = { errors: [{ message: 'Too many.', extensions: { code: 'RATE_LIMITED', retryAfter: 7 } }] };
    await page.route('**/graphql', (route) => route.fulfill({ status: 429, json: body }));
    await enter(page, latchkey.adminToken);
    await isOut(page, 'Try again in 7 s.');
  });

  it('shows an error if the server is away, without an endless spinner', async () => {
    const page = await open();
    await page.route('**/graphql', (route) => route.abort());
    await enter(page, latchkey.adminToken);
    await isOut(page, 'No response from the server.');
    expect(await page.getByRole('button', { name: 'Sign in', exact: true }).isEnabled()).toBe(true);
  });

  it('returns to the sign-in page with the reason if the key is revoked', async () => {
    const { token, id } = await createKey(latchkey, { scopes: ['admin'] });
    const page = await open();
    await enter(page, token, { keep: true });
    await isIn(page);
    await latchkey.query(`mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { id } } }`);
    await page.getByRole('link', { name: 'Workspace' }).click();
    await isOut(page, 'was revoked');
    expect((await leftBehind(page)).session).not.toContain(token);
  });

  it('shows the key only on request', async () => {
    const page = await open();
    const input = page.getByLabel('API key');
    expect(await input.getAttribute('autocomplete')).toBe('off');
    expect(await input.getAttribute('type')).toBe('password');
    await page.getByRole('button', { name: 'Show the key' }).click();
    expect(await input.getAttribute('type')).toBe('text');
  });

  it('works with the keyboard and with screen readers', async () => {
    const page = await open();
    expect(await axe(page)).toEqual([]);
    await page.getByLabel('API key').focus();
    await page.keyboard.type('nonsense');
    await page.keyboard.press('Enter');
    await isOut(page, 'is malformed');
    expect(await axe(page)).toEqual([]);
    await screenshot(page, 'sign-in');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await axe(page)).toEqual([]);
    await screenshot(page, 'sign-in-dark-phone');
  });
});

describe('at the issuer', () => {
  const button = (page: Page) => page.getByRole('button', { name: `Sign in with ${new URL(issuer.url).host}` });

  async function logIn(page: Page, name = 'ada'): Promise<void> {
    await button(page).click();
    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  const viewer = (page: Page) => page.getByText(/oidc_[0-9a-f]{16}/).waitFor();

  it('a code with PKCE, state and nonce opens the dashboard, and nothing stays in the URL', async () => {
    issuer.requests.splice(0);
    const page = await open('/dashboard/audit');
    const addresses: string[] = [];
    page.on('framenavigated', (frame) => void addresses.push(frame.url()));
    await logIn(page);
    await isIn(page);
    await viewer(page);
    expect(page.url()).toBe(`${latchkey.origin}/dashboard/audit`);
    const asked = new URL(issuer.requests.find((url) => url.startsWith('/auth?')) ?? '', issuer.url).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      client_id: DASHBOARD_CLIENT,
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{40,}$/),
      nonce: expect.stringMatching(/^[\w-]{40,}$/),
      resource: AUDIENCE,
    });
    expect(addresses.some((url) => url.includes('code='))).toBe(true);
    const { session, ...others } = await leftBehind(page);
    expect(session).toBe('[]');
    expect(JSON.stringify(others)).not.toMatch(/eyJ|code=/);
    expect(await page.evaluate('performance.getEntriesByType("navigation").length')).toBe(1);
  });

  it('shows that access was denied', async () => {
    const page = await open();
    await button(page).click();
    await page.getByRole('button', { name: 'Deny' }).click();
    await isOut(page, 'denied access, or you cancelled');
    expect(page.url()).toBe(`${latchkey.origin}/dashboard/`);
  });

  it('rejects a token for another audience', async () => {
    issuer.people.audience = 'https://other.example';
    const page = await open();
    await logIn(page);
    await isOut(page, 'another audience');
    expect((await leftBehind(page)).session).toBe('[]');
  });

  it.each([
    ['a code that nobody asked for', '?code=stolen&state=made-up', 'This sign-in was not started in this tab'],
    ['nothing at all', '', 'This sign-in was not started in this tab'],
  ])('%s is rejected', async (_, search, reason) => {
    const page = await open(`/dashboard/callback${search}`);
    await isOut(page, reason);
    expect(page.url()).toBe(`${latchkey.origin}/dashboard/`);
  });

  it('rejects a response with a different state, and does not send its code', async () => {
    const page = await open();
    await button(page).click();
    await page.getByLabel('Name').waitFor();
    issuer.requests.splice(0);
    await page.goto(`${latchkey.origin}/dashboard/callback?code=stolen&state=made-up`);
    await isOut(page, 'Invalid response from');
    expect(issuer.requests.filter((url) => url.startsWith('/token'))).toEqual([]);
  });

  it('renews an expired token with the refresh token, once for all pending requests', async () => {
    const page = await open();
    await page.clock.install();
    await logIn(page);
    await isIn(page);
    issuer.requests.splice(0);
    await page.clock.fastForward(3_600_000);
    await page.getByRole('link', { name: 'Workspace' }).click();
    await page.getByRole('heading', { name: 'Workspace', level: 1 }).waitFor();
    await page.getByRole('columnheader', { name: 'Growth Current' }).waitFor();
    expect(issuer.requests.filter((url) => url.startsWith('/token'))).toHaveLength(1);
  });

  it('asks to sign in again without a refresh token', async () => {
    issuer.people.refresh = false;
    const page = await open();
    await page.clock.install();
    await logIn(page);
    await isIn(page);
    await page.clock.fastForward(3_600_000);
    await page.getByRole('link', { name: 'Workspace' }).click();
    await isOut(page, 'Your session has expired');
  });

  it('returns to the sign-in page with the reason if the server rejects the token', async () => {
    const page = await open();
    await logIn(page);
    await isIn(page);
    clock.ahead = 3_600_000;
    await page.getByRole('link', { name: 'Workspace' }).click();
    await isOut(page, 'expired');
  });

  const refreshTokenIn = async (page: Page): Promise<string> => {
    const credential: string = await page.evaluate("sessionStorage.getItem('latchkey.credential')");
    return (JSON.parse(credential) as { refresh: string }).refresh;
  };

  /** The issuer's response to a refresh token. */
  async function renewAtIssuer(refresh: string): Promise<[number, string | undefined]> {
    const form = { grant_type: 'refresh_token', client_id: DASHBOARD_CLIENT, refresh_token: refresh };
    const answer = await fetch(`${issuer.url}/token`, { method: 'POST', body: new URLSearchParams(form) });
    return [answer.status, ((await answer.json()) as { error?: string }).error];
  }

  it('survives a reload if it is kept, and signing out revokes it at the issuer too', async () => {
    const page = await open();
    await page.getByLabel('Stay signed in until I close this tab').check();
    await logIn(page);
    await isIn(page);
    await page.reload();
    await isIn(page);
    const refresh = await refreshTokenIn(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${issuer.url}/session/end**`);
    await until(() => issuer.answered.includes('/token/revocation'));
    expect(await renewAtIssuer(refresh)).toEqual([400, 'invalid_grant']);
    await page.goto(`${latchkey.origin}/dashboard/`);
    await page.getByLabel('API key').waitFor();
    expect((await leftBehind(page)).session).toBe('[]');
  });
});
