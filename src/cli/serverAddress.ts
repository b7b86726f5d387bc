import { resultOf, textOf, type Result } from '../client/readAnswer.js';
import { LatchkeyError } from '../client/errors.js';
import { DEFAULT_URL, readCommandLineSettings } from '../server/settings/commandLine.js';
import { ProxyError } from '../shared/outgoing/fetchThrough.js';
import { usage, type Failure } from './exit.js';

/** The address for a command's requests, and the setting that it comes from. */
export interface Address {
  readonly url: string;
  readonly setBy: '--url' | 'LATCHKEY_URL';
  /** Whether the setting is missing. */
  readonly isDefault: boolean;
}

/** Returns the address of a command. @param given the option `--url` */
export function addressOf(given: string | undefined): Address {
  if (given !== undefined) return { url: given, setBy: '--url', isDefault: false };
  const { url } = readCommandLineSettings();
  return { url, setBy: 'LATCHKEY_URL', isDefault: url === DEFAULT_URL };
}

/** Returns where an address comes from, for messages. */
export function sourceOf({ setBy, isDefault }: Address): string {
  return isDefault ? `the default of ${setBy}` : `from ${setBy}`;
}

/** The timeout for a request to another address, in ms. */
const LOOK = 3_000;

/** The largest response to it, in bytes. */
const LOOK_BYTES = 1_000_000;

/** Error codes of connections that use another protocol than the server. */
const OTHER_PROTOCOL = /^(?:EPROTO|ERR_SSL_|HPE_|UND_ERR_SOCKET|ECONNRESET)/;
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/;

/**
 * Returns a better message for an error that is caused by a wrong address: the setting, its value and the correct
 * value. Looks for the API at likely addresses, without the key. Returns any other error unchanged.
 */
export async function addressFault(error: unknown, address: Address, send: typeof fetch): Promise<unknown> {
  if (!(error instanceof LatchkeyError)) return error;
  const { url, setBy } = address;
  const wrong = (what: string, right: string): Failure =>
    usage(`${setBy} is ${url}, ${what}. Set ${setBy === '--url' ? '--url ' : 'LATCHKEY_URL='}${right}.`);
  if (error.code === 'HTTPS_REQUIRED') return wrong('and the server requires HTTPS', swapped(url).href);
  if (error.code === 'UNREACHABLE') return unreachable(error, address, send, wrong);
  if (!isElsewhere(error)) return error;
  const right = await firstApi(likely(new URL(url)), send);
  // Gateways return these codes too, so the address may be correct.
  if (right === null && [401, 403, 407, 429].includes(error.status)) return error;
  const what = UNKNOWN_ROUTE.has(error.status)
    ? 'where there is no API'
    : 'where something other than a GraphQL API answers';
  return wrong(what, right ?? `the full address of the API, such as ${new URL('/graphql', url).href}`);
}

/** Returns whether nothing listens at the address of the server or of the proxy before it. The request was not sent then. */
export function isRefused(error: unknown): boolean {
  return causeOf(error).code === 'ECONNREFUSED';
}

async function unreachable(
  error: LatchkeyError,
  address: Address,
  send: typeof fetch,
  wrong: (what: string, right: string) => Failure,
): Promise<unknown> {
  const { url, setBy } = address;
  const { code, message } = causeOf(error);
  // The message of a proxy's error names the proxy.
  if (isRefused(error) && !(error.cause instanceof ProxyError)) return withMessage(error, refusedText(address));
  if (message === 'unexpected redirect') {
    const target = await redirectOf(url, send);
    return wrong('which answers with a redirect', target ?? 'the address that it leads to');
  }
  if (CERTIFICATE.test(code)) {
    return withMessage(
      error,
      `${new URL(url).host} has a certificate that this computer does not trust (${code}). Correct ${setBy}, or name the certificate of its authority in NODE_EXTRA_CA_CERTS.`,
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return withMessage(
      error,
      `The host name ${new URL(url).hostname} was not found (${code}). Correct ${setBy}, or check the network.`,
    );
  }
  if (!OTHER_PROTOCOL.test(code)) return error;
  const other = swapped(url);
  const right = await firstApi([other, ...likely(other)], send);
  if (right === null) return error;
  return wrong(`and the server speaks ${other.protocol === 'https:' ? 'HTTPS' : 'plain HTTP'} there`, right);
}

function refusedText(address: Address): string {
  const { url, setBy } = address;
  const { host, hostname } = new URL(url);
  const start = isLoopback(hostname)
    ? 'Start the server (latchkey serve, or npm start in a clone)'
    : 'Check that the server is running';
  return (
    `Connection refused: no server listens on ${host}. The address is ${url}, ${sourceOf(address)}. ` +
    `${start}, or set ${setBy} to the address of a running server. If the server is still starting, wait for it with --max-wait.`
  );
}

/** Returns whether a host name is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Returns whether a response does not come from the API, but from an unknown route or another server. */
function isElsewhere({ status, errors, code }: LatchkeyError): boolean {
  if (code === 'UNREADABLE') return true;
  const [first] = errors;
  if (first === undefined) return status >= 400 && status < 500 && status !== 408;
  return isUnknownRoute(status, first);
}

const UNKNOWN_ROUTE: ReadonlySet<number> = new Set([404, 405, 406]);

/** An operation whose field finds nothing has an error with a path. */
function isUnknownRoute(status: number, { path }: { readonly path?: unknown }): boolean {
  return UNKNOWN_ROUTE.has(status) && path === undefined;
}

/** Returns possible addresses of the API, most likely first. */
function likely(url: URL): URL[] {
  const path = url.pathname.replace(/\/+$/, '');
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const paths = [path.replace(/\/stream$/, ''), `${path}/graphql`, `${parent}/graphql`, '/graphql'];
  return [...new Set(paths.filter((each) => each.endsWith('/graphql')))].map((each) => new URL(each, url));
}

function swapped(url: string): URL {
  return new URL(url.replace(/^http(s?):/i, (_, s: string) => (s === '' ? 'https:' : 'http:')));
}

async function firstApi(urls: readonly URL[], send: typeof fetch): Promise<string | null> {
  for (const url of urls) if (await isApi(url, send)) return url.href;
  return null;
}

/** Returns whether a GraphQL API answers. An untrusted certificate also shows that the server uses HTTPS. */
async function isApi(url: URL, send: typeof fetch): Promise<boolean> {
  try {
    const response = await look(url, send);
    const result = resultOf(await textOf(response, LOOK_BYTES));
    return result !== null && isOfGraphql(result, response.status);
  } catch (error) {
    return url.protocol === 'https:' && CERTIFICATE.test(causeOf(error).code);
  }
}

function isOfGraphql({ data, errors }: Result, status: number): boolean {
  const [first] = errors ?? [];
  return first === undefined ? data !== undefined : !isUnknownRoute(status, first);
}

async function redirectOf(url: string, send: typeof fetch): Promise<string | null> {
  try {
    const response = await look(new URL(url), send);
    await response.body?.cancel();
    const target = new URL(response.headers.get('location') ?? '', url);
    return /^https?:$/.test(target.protocol) ? `${target.origin}${target.pathname}`.slice(0, 300) : null;
  } catch {
    return null;
  }
}

/** Sends one request, without the key. */
function look(url: URL, send: typeof fetch): Promise<Response> {
  return send(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: '{ __typename }' }),
    redirect: 'manual',
    signal: AbortSignal.timeout(LOOK),
  });
}

/** Returns the innermost cause with a code, or else the innermost cause. */
export function causeOf(error: unknown): { readonly code: string; readonly message: string } {
  let found = { code: '', message: '' };
  let current = error;
  for (let depth = 0; depth < 5 && typeof current === 'object' && current !== null; depth += 1) {
    const { code, message, cause } = current as { code?: unknown; message?: unknown; cause?: unknown };
    const isOurs = current instanceof LatchkeyError;
    found = {
      code: typeof code === 'string' && !isOurs ? code : found.code,
      message: typeof message === 'string' && !isOurs ? message : found.message,
    };
    current = cause;
  }
  return found;
}

function withMessage(error: LatchkeyError, message: string): LatchkeyError {
  return Object.assign(error, { message });
}
