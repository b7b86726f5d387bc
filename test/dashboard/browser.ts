import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  type Page,
} from 'playwright-core';
import { PROJECT } from '../support/project.js';

/** Debian's, which CI installs. */
export const CHROMIUM = '/usr/bin/chromium';

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

/** How long a page may take for what is waited for, in ms: long, for the machine is shared. Nothing is measured by it. */
const PATIENCE = 60_000;

/** Where pictures of pages are kept: CI's output, not committed. */
const SCREENSHOTS = join(PROJECT, 'screenshots');

/** A browser whose pages may do nothing that their author would have to look into. */
export interface TestBrowser {
  /** A page in a context of its own: nothing is kept from others. Closed with the browser. */
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Another page of the same context, as another tab. */
  newTab(page: Page): Promise<Page>;
  /**
   * What pages did wrong since the last call: errors that nobody caught, errors in the console, breaches of the
   * Content-Security-Policy, assets that were not there. For `expect(browser.faults()).toEqual([])` after each test.
   */
  faults(): string[];
  close(): Promise<void>;
}

export async function openBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
  let faults: string[] = [];
  const watch = (page: Page): Page => {
    page.on('pageerror', (error) => void faults.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (isFault(message)) faults.push(`console: ${message.text()}`);
    });
    return page;
  };
  return {
    async newPage(options = {}) {
      const context: BrowserContext = await browser.newContext({ ...options });
      context.setDefaultTimeout(PATIENCE);
      await context.addInitScript(REPORT_BREACHES);
      return watch(await context.newPage());
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

/** The console has them too, but for those of policies that are told to report alone. */
const REPORT_BREACHES = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('Content-Security-Policy: ' + violatedDirective + ' ' + blockedURI))`;

/** The browser writes there of each answer of 400 and above. From the API one is an answer like another. */
function isFault(message: ConsoleMessage): boolean {
  if (message.type() !== 'error') return false;
  const isOfTheNetwork = message.text().startsWith('Failed to load resource');
  return !isOfTheNetwork || message.location().url.includes('/dashboard/assets/');
}

/** Something that axe found. */
export interface AxeFinding {
  readonly rule: string;
  readonly impact: string;
  /** Selectors of the elements concerned. */
  readonly elements: readonly string[];
  readonly help: string;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe finds on the page as it is now, serious and critical alone: to be none. It comes by the debugger, past the
 * Content-Security-Policy, which therefore holds for the page throughout.
 */
export async function axe(page: Page): Promise<readonly AxeFinding[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression: `${AXE};axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
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

/** Keeps a picture of the whole page as screenshots/<name>.png. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, animations: 'disabled' });
}
