import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { packageFile } from '../../packageFiles.js';

/** GraphiQL's page, compressed. */
interface Page {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const FILE = packageFile('dist/graphiql.html.gz');

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-encoding': 'gzip',
  'cache-control': 'no-cache',
  vary: 'accept',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** The endpoint that the built page calls. */
const BUILT_ENDPOINT = '/graphql';

/** By endpoint. There are as many as routes with the page. */
const pages = new Map<string, Promise<Page>>();

/**
 * Returns GraphiQL's page, which the build creates from its package (scripts/graphiql.js) without a CDN. Reads it at
 * the first visit, so that the API starts sooner. The page is the same for all users and contains no key (B36): users
 * enter theirs into its header pane.
 *
 * @param endpoint the path of the API that the page calls
 */
export function graphiqlPage(endpoint: string): Promise<Page> {
  let page = pages.get(endpoint);
  if (page === undefined) {
    page = readPage(endpoint).catch((error: unknown) => {
      pages.delete(endpoint);
      throw error;
    });
    pages.set(endpoint, page);
  }
  return page;
}

async function readPage(endpoint: string): Promise<Page> {
  const built = await readFile(FILE);
  const builtHtml = (await promisify(gunzip)(built)).toString();
  const isBuilt = endpoint === BUILT_ENDPOINT;
  const html = isBuilt ? builtHtml : withEndpoint(builtHtml, endpoint);
  const body = isBuilt ? built : await promisify(gzip)(html);
  return { body, headers: { ...HEADERS, 'content-security-policy': policyOf(html) } };
}

const ENDPOINT = `"endpoint":${JSON.stringify(BUILT_ENDPOINT)}`;

function withEndpoint(html: string, endpoint: string): string {
  const start = html.lastIndexOf(ENDPOINT);
  if (start === -1) throw new Error('The page of GraphiQL has another form. Build it again.');
  return `${html.slice(0, start)}"endpoint":${JSON.stringify(endpoint)}${html.slice(start + ENDPOINT.length)}`;
}

/**
 * Returns the Content-Security-Policy of the page. Users enter keys into it, so it runs only its own scripts,
 * identified by hash, and sends nothing to other servers. Its editor creates style elements and workers at run time:
 * styles can't load anything from elsewhere, and workers run the page's own code.
 */
function policyOf(html: string): string {
  return [
    "default-src 'none'",
    ['script-src', ...inlineScripts(html).map(hashOf)].join(' '),
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    'worker-src blob:',
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function inlineScripts(html: string): string[] {
  return [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script = '']) => script);
}

/** Hashes a script like a browser, which normalizes line breaks first. */
function hashOf(script: string): string {
  return `'sha256-${createHash('sha256').update(script.replace(/\r\n?/g, '\n')).digest('base64')}'`;
}
