import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  type Page,
  type Request,
  type Route,
} from 'playwright-core';
import { CHROMIUM } from '../support/chromium.js';
import { PROJECT } from '../support/project.js';
import { until } from '../support/until.js';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The timeout for a page, in ms. It is long, because the machine is shared and nothing is measured. */
const PATIENCE = 60_000;

/**
 * DELAY: each request waits up to this long, in ms, randomly. SLOWLY: each step of a test waits. They reproduce
 * failures of a busy machine.
 */
const { DELAY = '0', SLOWLY = '0' } = process.env;

/** The size of a page that a test doesn't choose, which is the default of Playwright. */
const VIEWPORT = { width: 1280, height: 720 };

/** The folder for screenshots: an artifact of CI, not committed. */
const SCREENSHOTS = join(PROJECT, 'screenshots');

/** A browser that records everything that a page does wrong. */
export interface TestBrowser {
  /**
   * Opens a page without cookies, storage or history. When the test ends, it is closed or emptied for the next test,
   * because a renderer that has compiled the dashboard once needs a third less CPU time to show it again.
   */
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Opens another page of the same context, like another tab. */
  newTab(page: Page): Promise<Page>;
  /**
   * Returns the errors of pages since the last call: uncaught errors, errors in the console, violations of the
   * Content-Security-Policy and missing assets. For `expect(browser.faults()).toEqual([])` after each test.
   */
  faults(): string[];
  close(): Promise<void>;
}

export async function openBrowser(): Promise<TestBrowser> {
  const slowMo = Number(SLOWLY);
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS, slowMo });
  let faults: string[] = [];
  const watch = (page: Page): Page => {
    const open = new Set<Request>();
    underWay.set(page, open);
    page.on('request', (request) => void (isStream(request) || open.add(request)));
    page.on('requestfinished', (request) => void open.delete(request));
    page.on('requestfailed', (request) => void open.delete(request));
    page.on('pageerror', (error) => void faults.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (isFault(message)) faults.push(`console: ${message.text()}`);
    });
    return page;
  };
  const idle = new Map<string, Page[]>();
  return {
    async newPage({ viewport = VIEWPORT, colorScheme = 'light', ...options } = {}) {
      const kind = JSON.stringify(options);
      const page = watch(idle.get(kind)?.pop() ?? (await openPage(browser, options)));
      await page.setViewportSize(viewport ?? VIEWPORT);
      await page.emulateMedia({ colorScheme });
      inUse.set(page, () => void idle.set(kind, [...(idle.get(kind) ?? []), page]));
      return page;
    },
    async newTab(page) {
      return watch(await page.context().newPage());
    },
    faults() {
      const found = faults;
      faults = [];
      return found;
    },
    close: () => browser.close(),
  };
}

async function openPage(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const context: BrowserContext = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript(REPORT_BREACHES);
  if (DELAY !== '0') await context.route('**', delayed);
  return context.newPage();
}

/** The pages of the current test, and how to offer each to the next test. */
const inUse = new Map<Page, () => void>();

afterEach(async () => {
  const pages = [...inUse];
  inUse.clear();
  for (const [page, offer] of pages) {
    if (await isEmptied(page)) offer();
    else await page.context().close();
  }
});

/** Removes what a test left in a page. Returns false if the next test needs another page. */
async function isEmptied(page: Page): Promise<boolean> {
  if (page.isClosed() || page.context().pages().length > 1 || !page.url().startsWith('http')) return false;
  try {
    page.removeAllListeners();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    const session = await page.context().newCDPSession(page);
    const { entries } = await session.send('Page.getNavigationHistory');
    const { origin } = new URL(page.url());
    // Only a page of the same origin can clear its sessionStorage. A fake clock can't be removed.
    const isElsewhere = entries.some(({ url }) => url !== 'about:blank' && new URL(url).origin !== origin);
    if (isElsewhere || (await page.evaluate<boolean>(HAS_FAKE_CLOCK))) return false;
    // Not about:blank, which ends the renderer.
    await page.goto(`${origin}/an-empty-page`);
    await page.evaluate('sessionStorage.clear(), localStorage.clear()');
    await page.context().clearCookies();
    await session.send('Page.resetNavigationHistory');
    await session.detach();
    return true;
  } catch {
    return false;
  }
}

/** Playwright replaces the functions of the clock by its own. */
const HAS_FAKE_CLOCK = `!Function.prototype.toString.call(Date.now).includes('[native code]')`;

/** The pending requests of each page. */
const underWay = new WeakMap<Page, Set<Request>>();

/** A request that lasts as long as the page. */
const isStream = (request: Request): boolean => request.url().endsWith('/graphql/stream');

/**
 * Waits until the page has all responses and has shown them. Call it before counting elements or changing data, because
 * a pending response could still have the old data.
 */
export async function rest(page: Page): Promise<void> {
  const open = underWay.get(page);
  if (open === undefined) throw new Error('The page is of another browser.');
  await until(async () => {
    if (open.size > 0) return false;
    // A response may lead to the next request.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))');
    // React shows lazily loaded parts a moment after they arrive.
    return open.size === 0 && (await page.getByText('Loading', { exact: true }).count()) === 0;
  }, 'the page has its answers');
}

/** They are in the console too, except for report-only policies. */
const REPORT_BREACHES = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('Content-Security-Policy: ' + violatedDirective + ' ' + blockedURI))`;

async function delayed(route: Route): Promise<void> {
  await delay(Math.random() * Number(DELAY));
  // A closed page needs no response.
  await route.continue().catch(() => undefined);
}

/** Browsers log each response with 400 and above. Errors of the API are expected. */
function isFault(message: ConsoleMessage): boolean {
  if (message.type() !== 'error') return false;
  const isOfTheNetwork = message.text().startsWith('Failed to load resource');
  return !isOfTheNetwork || message.location().url.includes('/dashboard/assets/');
}

/** A finding of axe. */
export interface AxeFinding {
  readonly rule: string;
  readonly impact: string;
  /** Selectors of the affected elements. */
  readonly elements: readonly string[];
  readonly help: string;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Returns the serious and critical findings of axe on the current page. Uses the debugger to bypass the
 * Content-Security-Policy, which therefore stays in effect for the page.
 */
export async function axe(page: Page): Promise<readonly AxeFinding[]> {
  const session = await page.context().newCDPSession(page);
  const isLoaded = await page.evaluate<boolean>("'axe' in window");
  try {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression: `${isLoaded ? '' : AXE};axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, impact, help, nodes }) =>
          ({ rule: id, impact, help, elements: nodes.map(({ target }) => target.join(' ')) })))`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`axe did not run: ${exceptionDetails.text}`);
    const findings = result.value as readonly AxeFinding[];
    return findings.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  } finally {
    await session.detach();
  }
}

/** Saves a screenshot of the whole page as screenshots/<name>.png. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}
