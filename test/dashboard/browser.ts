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

/** How long a page may take for what is waited for, in ms: long, for the machine is shared. Nothing is measured by it. */
const PATIENCE = 60_000;

/**
 * Up to how long each request waits before it is sent, by chance, in ms: DELAY. And how long each step of a test: SLOWLY. What
 * a busy machine or a slow one would show at times shows at once.
 */
const { DELAY = '0', SLOWLY = '0' } = process.env;

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
  return {
    async newPage(options = {}) {
      const context: BrowserContext = await browser.newContext({ ...options });
      context.setDefaultTimeout(PATIENCE);
      await context.addInitScript(REPORT_BREACHES);
      if (DELAY !== '0') await context.route('**', delayed);
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

/** What each page has asked for and is not answered yet. */
const underWay = new WeakMap<Page, Set<Request>>();

/** One that stays open for as long as the page does. */
const isStream = (request: Request): boolean => request.url().endsWith('/graphql/stream');

/**
 * Waits until the page has all the answers that it asked for, and has shown them. Before what is on the page is counted, and
 * before the world changes under it: an answer that was still under way would be one of the other world.
 */
export async function rest(page: Page): Promise<void> {
  const open = underWay.get(page);
  if (open === undefined) throw new Error('The page is of another browser.');
  await until(async () => {
    if (open.size > 0) return false;
    // What was answered last may lead to the next question.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))');
    // React shows parts that it had to load a while after they came.
    return open.size === 0 && (await page.getByText('Loading', { exact: true }).count()) === 0;
  }, 'the page has its answers');
}

/** The console has them too, but for those of policies that are told to report alone. */
const REPORT_BREACHES = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('Content-Security-Policy: ' + violatedDirective + ' ' + blockedURI))`;

async function delayed(route: Route): Promise<void> {
  await delay(Math.random() * Number(DELAY));
  // A page that was closed or left meanwhile needs no answer.
  await route.continue().catch(() => undefined);
}

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
