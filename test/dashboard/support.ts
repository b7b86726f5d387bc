import type { BrowserContextOptions, Page } from 'playwright-core';
import { OPERATOR_KEY, startService, type TestService, type TestServiceOptions } from '../support/service.js';
import { act } from '../e2e/operations.js';
import { openBrowser, rest, type TestBrowser } from './browser.js';

/** The service with its dashboard, a browser, and a workspace with an admin. */
export interface TestDashboard {
  readonly service: TestService;
  readonly browser: TestBrowser;
  /** The token of the workspace's admin. */
  readonly admin: string;
  readonly workspaceId: string;
  /**
   * Opens a page of the dashboard with a token.
   *
   * @param path such as `/keys`
   */
  open(path: string, options?: BrowserContextOptions & { readonly token?: string }): Promise<Page>;
  close(): Promise<void>;
}

export async function openDashboard(
  options: TestServiceOptions & { readonly tier?: string } = {},
): Promise<TestDashboard> {
  const { tier = 'ENTERPRISE', env, ...rest } = options;
  const service = await startService({ ...rest, env: { ADMIN_API_KEY: OPERATOR_KEY, ...env } });
  const browser = await openBrowser();
  const { token: admin, workspace } = await act(service, 'createWorkspace', { name: 'Northwind', tier }, OPERATOR_KEY);
  return {
    service,
    browser,
    admin,
    workspaceId: workspace.id,
    async open(path, { token = admin, ...context } = {}) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context });
      await page.goto(`${service.origin}/dashboard${path}`);
      await signIn(page, token);
      return page;
    },
    async close() {
      await browser.close();
      await service.close();
    },
  };
}

/** Signs in if the page asks for it, and waits until the page has loaded. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.locator('input[type=password]').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Pages', exact: true }).waitFor({ state: 'attached' });
  await rest(page);
}

/** Reads the token in the dialog, and closes the dialog. */
export async function takeToken(page: Page): Promise<string> {
  const dialog = page.getByRole('dialog');
  const token = await dialog.getByLabel('API key', { exact: true }).inputValue();
  await dialog.getByLabel('I have stored the key').check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.waitFor({ state: 'detached' });
  return token;
}
