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
  readonly timeout: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The key of the next request; null: none. */
  key(): Promise<string | null>;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @throws TypeError that names the option at fault, and never what it holds */
export function resolveOptions(options: ClientOptions = {}): Resolved {
  checkNames(options, 'a client', NAMES);
  const { pacing = true, maxRetries = 5, timeout = 30_000, headers = {} } = options;
  const url = addressOf(options.url ?? fromEnvironment('LATCHKEY_URL'));
  if (typeof pacing !== 'boolean') throw new TypeError('pacing is true or false.');
  if (maxRetries !== Infinity && !(Number.isSafeInteger(maxRetries) && maxRetries >= 0)) {
    throw new TypeError('maxRetries is an integer from 0, or Infinity.');
  }
  if (!(typeof timeout === 'number' && timeout >= 1 && timeout <= LONGEST_TIMEOUT)) {
    throw new TypeError(`timeout is in milliseconds, from 1 to ${LONGEST_TIMEOUT}.`);
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') throw new TypeError('fetch is a function.');
  if (Object.prototype.toString.call(headers) !== '[object Object]') {
    throw new TypeError('headers is an object of names and values.');
  }
  for (const [name, value] of Object.entries<unknown>(headers)) {
    if (typeof value !== 'string') throw new TypeError(`headers: ${name} is not a string.`);
    checkHeader(name, value);
    if (/^(authorization|x-api-key)$/i.test(name)) throw new TypeError(`headers: ${name} is for apiKey.`);
  }
  const source = sourceOf(options.apiKey === undefined ? fromEnvironment('LATCHKEY_API_KEY') : options.apiKey);
  return {
    url: url.href,
    streamUrl: new URL(`${url.pathname.replace(/\/$/, '')}/stream`, url).href,
    // Looked up at each call: a page may replace it, and a test does.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    pacing,
    maxRetries,
    timeout,
    headers,
    key: async () => (source === null ? null : checkedKey(typeof source === 'string' ? source : await source())),
  };
}

const NAMES = ['url', 'apiKey', 'fetch', 'pacing', 'maxRetries', 'timeout', 'headers'];

/** @throws TypeError for a name that is not there: a misspelt option would not have an effect */
export function checkNames(options: unknown, of: string, names: readonly string[]): void {
  if (Object.prototype.toString.call(options) !== '[object Object]') {
    throw new TypeError(`The options of ${of} are an object with ${names.join(', ')}.`);
  }
  for (const name of Reflect.ownKeys(options as object)) {
    if (typeof name === 'string' && names.includes(name)) continue;
    throw new TypeError(`There is no option "${String(name)}" of ${of}. Options: ${names.join(', ')}.`);
  }
}

/** fetch would refuse it at each request, with an error that shows the value. */
function checkHeader(name: string, value: string): void {
  try {
    new Headers([[name, value]]);
  } catch {
    throw new TypeError(`headers: ${JSON.stringify(name)} is not a header field, or its value cannot be sent.`);
  }
}

function addressOf(given: string | undefined): URL {
  if (given === undefined) {
    throw new TypeError('No url: pass it to the client, or set LATCHKEY_URL, as in https://api.example.com/graphql.');
  }
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError('url must be a full URL, such as https://api.example.com/graphql.');
  }
  // Addresses are written into logs and errors.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError(
      'url holds a name, a password, a query or a fragment. Pass only the address, and the key as apiKey.',
    );
  }
  return url;
}

function sourceOf(given: KeySource | null | undefined): KeySource | null {
  if (given === undefined) {
    throw new TypeError('No key: pass apiKey, or set LATCHKEY_API_KEY. apiKey: null asks without one.');
  }
  if (typeof given === 'string') checkedKey(given);
  else if (given !== null && typeof given !== 'function') throw new TypeError('apiKey is text, or a function.');
  return given;
}

/** fetch would refuse what no header can hold, with an error that shows it. */
function checkedKey(key: unknown): string {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,8192}$/.test(key)) return key;
  throw new TypeError('apiKey is empty, or holds spaces, line breaks or letters that no key has. Copy it once more.');
}
