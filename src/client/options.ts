import { LONGEST_WAIT } from './backoff.js';
import { checkNames, checkObject, optionError } from '../options.js';
import { fromEnvironment } from './environment.js';

/** A key, or what knows it: asked before each request, so that a rotated one is used from the next on. */
export type KeySource = string | (() => string | Promise<string>);

export interface ClientOptions {
  /** Of the API, as in `https://api.example.com/graphql`; streams are at `<url>/stream`. Default: LATCHKEY_URL. */
  readonly url?: string | undefined;
  /** null: none, for what is `@public`. Default: LATCHKEY_API_KEY. */
  readonly apiKey?: KeySource | null | undefined;
  /** What sends. Default: the platform's own. */
  readonly fetch?: typeof fetch | undefined;
  /** Whether requests wait for their turn, so that the key's limits refuse none. Default: true. */
  readonly pacing?: boolean | undefined;
  /**
   * How often a request is repeated that was limited, or a query that got no answer; and how often a stream that was
   * broken off is tried in a row. Default: 5.
   */
  readonly maxRetries?: number | undefined;
  /** Ms that an answer may take from the moment at which its request is sent. Default: 30,000. */
  readonly timeout?: number | undefined;
  /** Sent with each request. Not for the key. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Options with their defaults, checked. */
export interface Resolved {
  readonly url: string;
  readonly streamUrl: string;
  readonly fetch: typeof fetch;
  readonly pacing: boolean;
  readonly maxRetries: number;
  /** How often a request is repeated that was limited. Of {@link createClient}: maxRetries. */
  readonly maxLimited: number;
  /** The longest wait after a 429, in ms, unless the server asks for more. */
  readonly longestLimited: number;
  readonly timeout: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The key of the next request; null: none. */
  key(): Promise<string | null>;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @throws TypeError that names the option at fault, and never what it holds */
export function resolveOptions(what: 'createClient' | 'createFetch', options: ClientOptions = {}): Resolved {
  checkNames(what, options, NAMES);
  const { pacing = true, maxRetries = 5, timeout = 30_000, headers = {} } = options;
  const url = addressOf(what, options.url ?? fromEnvironment('LATCHKEY_URL'));
  if (typeof pacing !== 'boolean') throw optionError(`${what}: pacing`, pacing, 'true or false');
  if (maxRetries !== Infinity && !(Number.isSafeInteger(maxRetries) && maxRetries >= 0)) {
    throw optionError(`${what}: maxRetries`, maxRetries, 'an integer from 0, or Infinity');
  }
  if (!(typeof timeout === 'number' && timeout >= 1 && timeout <= LONGEST_TIMEOUT)) {
    throw optionError(`${what}: timeout`, timeout, `a number of milliseconds from 1 to ${LONGEST_TIMEOUT}`);
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw optionError(`${what}: fetch`, options.fetch, 'a function');
  }
  checkHeaders(`${what}: headers`, headers);
  const source = sourceOf(what, options.apiKey === undefined ? fromEnvironment('LATCHKEY_API_KEY') : options.apiKey);
  return {
    url: url.href,
    streamUrl: new URL(`${url.pathname.replace(/\/$/, '')}/stream`, url).href,
    // Looked up at each call: a page may replace it, and a test does.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    pacing,
    maxRetries,
    maxLimited: maxRetries,
    longestLimited: LONGEST_WAIT,
    timeout,
    headers,
    key: async () => (source === null ? null : checkedKey(what, typeof source === 'string' ? source : await source())),
  };
}

const NAMES = ['url', 'apiKey', 'fetch', 'pacing', 'maxRetries', 'timeout', 'headers'];

/** @throws TypeError that names the header field, and never its value, which may be a secret */
function checkHeaders(path: string, headers: unknown): void {
  checkObject(path, headers, 'an object of names and values of header fields');
  for (const [name, value] of Object.entries(headers as Readonly<Record<string, unknown>>)) {
    const at = `${path}[${JSON.stringify(name)}]`;
    if (typeof value !== 'string') throw optionError(at, value, 'a string', true);
    if (/^(authorization|x-api-key)$/i.test(name)) throw new TypeError(`${at} is not allowed. Pass the key as apiKey.`);
    if (!isHeader(name, value)) throw new TypeError(`${at} is not a header field, or its value can't be sent.`);
  }
}

/** fetch would refuse it at each request, with an error that shows the value. */
function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/** URLs are written into logs and errors; this one may hold a password, and is not shown. */
function addressOf(what: string, given: unknown): URL {
  if (given === undefined) {
    throw new TypeError(
      `${what}: url is missing. Pass it, or set LATCHKEY_URL, such as to https://api.example.com/graphql.`,
    );
  }
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    if (typeof given !== 'string') throw optionError(`${what}: url`, given, 'a full URL');
    throw new TypeError(`${what}: url must be a full URL, such as https://api.example.com/graphql.`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError(
      `${what}: url has a user name, a password, a query or a fragment. Pass only the address, and the key as apiKey.`,
    );
  }
  return url;
}

function sourceOf(what: string, given: KeySource | null | undefined): KeySource | null {
  if (given === undefined) {
    throw new TypeError(
      `${what}: apiKey is missing. Pass it, or set LATCHKEY_API_KEY. Pass null to send requests without a key.`,
    );
  }
  if (typeof given === 'string') checkedKey(what, given);
  else if (given !== null && typeof given !== 'function') {
    throw optionError(`${what}: apiKey`, given, 'a string, a function that returns one, or null', true);
  }
  return given;
}

/** fetch would refuse what no header can hold, with an error that shows it. */
function checkedKey(what: string, key: unknown): string {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,8192}$/.test(key)) return key;
  throw new TypeError(
    `${what}: apiKey is empty, or has spaces, line breaks or characters that no key has. Copy the key again.`,
  );
}
