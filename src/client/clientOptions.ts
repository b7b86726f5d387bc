import { LONGEST_WAIT } from './backoff.js';
import { checkNames, checkObject, optionError } from '../shared/optionChecks.js';
import { fromEnvironment } from './environment.js';

/**
 * A key, or a function that returns it. The function is called before each request, so that it can return a rotated
 * key.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { createClient, type KeySource } from 'latchkey/client';
 *
 * const apiKey: KeySource = async () => (await readFile('/run/secrets/key', 'utf8')).trim();
 * export const client = createClient({ url: 'https://api.example.com/graphql', apiKey });
 * ```
 */
export type KeySource = string | (() => string | Promise<string>);

/**
 * The options of `createClient` and `createFetch`.
 *
 * @example
 * ```ts
 * import { createClient, type ClientOptions } from 'latchkey/client';
 *
 * const options: ClientOptions = { url: 'https://api.example.com/graphql', maxRetries: 2, timeout: 10_000 };
 * export const client = createClient(options);
 * ```
 */
export interface ClientOptions {
  /**
   * The URL of the API, such as `https://api.example.com/graphql`. Streams are at `<url>/stream`.
   *
   * @default the environment variable LATCHKEY_URL
   */
  readonly url?: string | undefined;
  /**
   * The API key. null sends no key, for operations that are `@public`.
   *
   * @default the environment variable LATCHKEY_API_KEY
   */
  readonly apiKey?: KeySource | null | undefined;
  /**
   * The function that sends requests.
   *
   * @default the global `fetch`
   */
  readonly fetch?: typeof fetch | undefined;
  /**
   * Whether requests wait for room in the key's rate limits, so that the server rejects none of them.
   *
   * @default true
   */
  readonly pacing?: boolean | undefined;
  /**
   * How often a rate-limited request or a failed query is retried, and how often in a row a lost stream is reopened.
   *
   * @default 5
   */
  readonly maxRetries?: number | undefined;
  /**
   * The time that a response may take, in ms. Waiting for the rate limit does not count.
   *
   * @default 30_000
   */
  readonly timeout?: number | undefined;
  /** Header fields that are sent with each request. Pass the key as `apiKey` instead. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Validated options with their defaults. */
export interface Resolved {
  readonly url: string;
  readonly streamUrl: string;
  readonly fetch: typeof fetch;
  readonly pacing: boolean;
  readonly maxRetries: number;
  /** How often a rate-limited request is retried. {@link createClient} uses `maxRetries`. */
  readonly maxLimited: number;
  /** The longest wait after a 429 response, in ms. A longer Retry-After still applies. */
  readonly longestLimited: number;
  readonly timeout: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Returns the key for the next request; null if none. */
  key(): Promise<string | null>;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * Validates options and adds the defaults.
 *
 * @throws TypeError that names the invalid option, and never shows a secret
 */
export function resolveOptions(what: 'createClient' | 'createFetch', options: ClientOptions = {}): Resolved {
  checkNames(what, options, NAMES);
  const { pacing = true, maxRetries = 5, timeout = 30_000, headers = {} } = options;
  const url = addressOf(what, options.url ?? fromEnvironment('LATCHKEY_URL'));
  if (typeof pacing !== 'boolean') throw optionError(`${what}: pacing`, pacing, 'true or false');
  if (maxRetries !== Infinity && !(Number.isSafeInteger(maxRetries) && maxRetries >= 0)) {
    throw optionError(`${what}: maxRetries`, maxRetries, 'an integer of at least 0, or Infinity');
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
    // Looked up for each request, because the page may replace it later.
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

/**
 * Validates header fields.
 *
 * @throws TypeError with the name of the invalid field, and without its value, which may be a secret
 */
function checkHeaders(path: string, headers: unknown): void {
  checkObject(path, headers, 'an object with header names and string values');
  for (const [name, value] of Object.entries(headers as Readonly<Record<string, unknown>>)) {
    const at = `${path}[${JSON.stringify(name)}]`;
    if (typeof value !== 'string') throw optionError(at, value, 'a string', true);
    if (/^(authorization|x-api-key)$/i.test(name)) throw new TypeError(`${at} is not allowed. Pass the key as apiKey.`);
    if (!isHeader(name, value))
      throw new TypeError(
        `${at} is not a valid header field: its name or its value has characters that are not allowed.`,
      );
  }
}

/** fetch would reject it with an error that shows the value. */
function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/** Validates the URL. Errors do not show it, because it may contain a password. */
function addressOf(what: string, given: unknown): URL {
  if (given === undefined) {
    throw new TypeError(
      `${what}: url is missing. Pass it or set LATCHKEY_URL, for example to https://api.example.com/graphql.`,
    );
  }
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    if (typeof given !== 'string') throw optionError(`${what}: url`, given, 'a full URL');
    throw new TypeError(`${what}: url is not an absolute HTTP URL. Example: https://api.example.com/graphql.`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError(
      `${what}: url must not have a user name, a password, a query or a fragment. Pass the key as apiKey.`,
    );
  }
  return url;
}

function sourceOf(what: string, given: KeySource | null | undefined): KeySource | null {
  if (given === undefined) {
    throw new TypeError(
      `${what}: apiKey is missing. Pass it or set LATCHKEY_API_KEY. Pass null to send requests without a key.`,
    );
  }
  if (typeof given === 'string') checkedKey(what, given);
  else if (given !== null && typeof given !== 'function') {
    throw optionError(`${what}: apiKey`, given, 'a string, a function that returns one, or null', true);
  }
  return given;
}

/** fetch would reject it with an error that shows the key. */
function checkedKey(what: string, key: unknown): string {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,8192}$/.test(key)) return key;
  throw new TypeError(
    `${what}: apiKey is empty or has characters that a key cannot have, such as spaces or line breaks. Copy the key again.`,
  );
}
