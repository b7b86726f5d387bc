import { dataOf, textOf } from '../client/readAnswer.js';
import { LatchkeyError, Unavailable } from '../client/errors.js';
import { clientWith, type Client } from '../client/client.js';
import { resolveOptions, type ClientOptions } from '../client/clientOptions.js';
import { proxyFetch } from '../client/proxyFetch.js';
import { besideApi } from '../client/verify.js';
import { SettingsError } from '../shared/settings/error.js';
import { readCommandLineKey } from '../server/settings/commandLine.js';
import { MAX_WAIT, type ApiOptions } from './apiOptions.js';
import { addressFault, addressOf, isLoopback, sourceOf, type Address } from './serverAddress.js';
import { assertSendable, keyFromInput, noKey } from './credential.js';
import { Deadline, type Awaited } from './commandDeadline.js';
import { EXIT, usage } from './exit.js';
import type { NoVariables, Operation } from './typedOperation.js';
import { repeated } from './retries.js';
import { shapeFault } from './shape.js';
import { UnexpectedAnswer, UnknownFields } from './unexpected.js';

/** Requests to the server with one key. Rejects with the client's errors, or a Failure. */
export interface Api {
  readonly ask: <Data, Variables extends object>(
    operation: Operation<Data, Variables>,
    ...variables: Variables extends NoVariables ? [] : [Variables]
  ) => Promise<Data>;
  /** Returns the text of a file next to the API, such as `schema.graphql`. */
  readonly read: (name: string) => Promise<string>;
  /**
   * Sends a form to an address next to `/graphql`, such as `v1/verify`, and returns the JSON of the response.
   *
   * @param isRepeatable whether it can be sent again if its response is missing
   */
  readonly post: (name: string, fields: Readonly<Record<string, string>>, isRepeatable: boolean) => Promise<unknown>;
}

/**
 * The longest wait after a 429, in ms, unless `Retry-After` is longer. Many processes may share a limit, as in a loop that creates
 * keys. Each waits for its turn, or until `--max-wait` is over.
 */
const LONGEST_LIMITED = 5_000;

interface Surroundings {
  /** Whether to continue without a key if none is set. */
  readonly keyless?: boolean;
  /** Called with messages for the user. */
  readonly note: (text: string) => void;
  /** Called with what a request waits for, once for each command. */
  readonly noteWait: (text: string) => void;
}

/** Gives a command its requests. */
export async function withApi<T>(
  { url: given, keyStdin, maxWait: wait }: ApiOptions,
  use: (api: Api) => Promise<T>,
  { keyless = false, note, noteWait }: Surroundings,
): Promise<T> {
  const address = addressOf(given);
  const { url, setBy } = address;
  const maxWait = wait ?? MAX_WAIT;
  const apiKey = keyStdin === true ? await keyFromInput() : keyOfEnvironment();
  if (apiKey === null && !keyless) throw noKey();
  if (apiKey !== null) assertSendable(apiKey);
  const send = sendingOf();
  let waits = 0;
  const onWait = (awaited: Awaited): void => {
    waits += 1;
    if (waits === 1) noteWait(waitText(awaited, address, maxWait));
  };
  const deadline = new Deadline(maxWait * 1_000, { send, onWait });
  // Retries failed queries until the time is up.
  const client = clientOf({ url, apiKey, fetch: deadline.fetch, maxRetries: 0 }, setBy);
  if (apiKey !== null && readable(url)) {
    note(
      'The address uses plain HTTP, so others on the network can read the key. Use https:// if the server supports it.',
    );
  }
  const explain = (error: unknown, signal: AbortSignal): Promise<unknown> =>
    addressFault(error, address, (input, init) =>
      (send ?? fetch)(input, { ...init, signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]) }),
    );
  const hold = <Answer>(isQuery: boolean, request: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> =>
    deadline.hold((signal) =>
      repeated({ send: () => request(signal), deadline, signal, isQuery, explain, awaitsStart: wait !== undefined }),
    );
  try {
    return await use({
      ask: async ({ text }, ...[variables]) => {
        const data = await hold(!isMutation(text), (signal) =>
          client.request<unknown, object>(text, variables ?? {}, { signal }),
        ).catch((error: unknown) => {
          throw asUnexpected(error, text);
        });
        assertShape(text, data);
        return data as never;
      },
      read: (name) => hold(true, (signal) => readText(deadline.fetch, new URL(name, url), apiKey, { signal })),
      post: async (name, fields, isRepeatable) => {
        const body = new URLSearchParams(fields);
        const text = await hold(isRepeatable, (signal) =>
          readText(deadline.fetch, besideApi(name, url), apiKey, { method: 'POST', body, signal }),
        );
        return JSON.parse(text) as unknown;
      },
    });
  } catch (error) {
    throw error instanceof UnexpectedAnswer ? error.toFailure(url, setBy) : error;
  } finally {
    await client.close();
  }
}

function isMutation(text: string): boolean {
  return text.startsWith('mutation');
}

function waitText(awaited: Awaited, address: Address, maxWait: number): string {
  return 'limits' in awaited
    ? `The key has reached its rate limit. Waiting for up to ${maxWait} s (--max-wait).`
    : `${address.url} (${sourceOf(address)}) is unavailable (${awaited.server}). Retrying for up to ${maxWait} s (--max-wait).`;
}

/** @throws UnexpectedAnswer if a command could not rely on the form of the data */
function assertShape(text: string, data: unknown): void {
  const path = shapeFault(text, data);
  if (path === null) return;
  throw unexpected(`has no valid ${path}`, text);
}

/** @param text the document that was sent */
function unexpected(what: string, text: string): UnexpectedAnswer {
  if (!isMutation(text)) return new UnexpectedAnswer(what);
  return new UnexpectedAnswer(`${what}, and the change may have been made`, EXIT.failed);
}

/**
 * Documents of this command line are valid on every Latchkey server of its release. Data together with other errors is
 * passed on only if it has the requested form.
 */
function asUnexpected(error: unknown, text: string): unknown {
  if (error instanceof UnexpectedAnswer) return unexpected(error.message, text);
  if (!(error instanceof LatchkeyError)) return error;
  const [first] = error.errors;
  const isInvalid = error.code === 'GRAPHQL_VALIDATION_FAILED' || UNKNOWN_PART.test(error.message);
  if (first !== undefined && first.path === undefined && isInvalid)
    return new UnknownFields(`is "${error.message.slice(0, 300)}"`);
  return error.data === null || shapeFault(text, error.data, true) === null
    ? error
    : Object.assign(error, { data: null });
}

/** Messages of graphql-js servers for a document that doesn't match their schema. */
const UNKNOWN_PART = /^(?:Cannot query field|Unknown (?:type|argument|directive)) /;

function sendingOf(): typeof fetch | undefined {
  try {
    return proxyFetch();
  } catch (error) {
    if (error instanceof SettingsError) throw usage(error.lines);
    throw error;
  }
}

function keyOfEnvironment(): string | null {
  try {
    return readCommandLineKey();
  } catch (error) {
    if (error instanceof SettingsError) throw usage(error.lines);
    throw error;
  }
}

function clientOf(options: ClientOptions, setBy: Address['setBy']): Client {
  try {
    const resolved = resolveOptions('createClient', options);
    return clientWith({ ...resolved, maxLimited: Infinity, longestLimited: LONGEST_LIMITED });
  } catch (error) {
    // All other arguments have been validated, so the address is invalid.
    if (error instanceof TypeError) throw usage(error.message.replace(/^createClient: url /, `${setBy} `));
    throw error;
  }
}

async function readText(
  send: typeof fetch,
  url: URL,
  apiKey: string | null,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<string> {
  const { signal } = init;
  const headers = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  let response: Response;
  try {
    // A redirect would send the key to another address.
    response = await send(url, { ...init, headers, redirect: 'error' });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof LatchkeyError) throw cause;
    throw new Unavailable(`${url.host} cannot be reached. Check the address and the network.`, {
      code: 'UNREACHABLE',
      cause,
    });
  }
  const text = await textOf(response);
  // Throws the error of the response.
  if (!response.ok) await dataOf(new Response(asErrors(text), response));
  return text;
}

/** Returns an error of /v1 in the form of GraphQL, and any other text as it is. */
function asErrors(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message: string } };
    if (typeof error?.message !== 'string') return text;
    const { message, ...extensions } = error;
    return JSON.stringify({ errors: [{ message, extensions }] });
  } catch {
    return text;
  }
}

/** Requests to this machine don't cross a network. */
function readable(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
