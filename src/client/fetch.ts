import { operationOfBody } from './operation.js';
import { resolveOptions, type ClientOptions, type Resolved } from './clientOptions.js';
import { send } from './send.js';
import { link } from './waiting.js';

/**
 * Creates a `fetch` for another GraphQL client. It adds the key, waits for room in the key's rate limits, and retries
 * when it is safe to do so. It resolves for any HTTP status, as the platform's fetch does.
 * The returned function rejects with {@link Unavailable} if there is no response, and with the reason of an aborted
 * signal. Rejects with a TypeError for any URL other than the API's, so that no other server receives the key.
 *
 * @param options all optional: see {@link ClientOptions}
 * @throws TypeError if an option is invalid; the message names it
 * @example
 * ```ts
 * import { GraphQLClient } from 'graphql-request';
 * import { createFetch } from 'latchkey/client';
 *
 * const url = 'https://api.example.com/graphql';
 * export const client = new GraphQLClient(url, { fetch: createFetch({ url }) });
 * ```
 */
export function createFetch(options: ClientOptions = {}): typeof fetch {
  return fetchWith(resolveOptions('createFetch', options), new AbortController().signal);
}

/**
 * Creates a `fetch` from validated options.
 *
 * @param closing aborts all pending requests
 */
export function fetchWith(options: Resolved, closing: AbortSignal): typeof fetch {
  return async (input, given) => {
    const { url, init } = await partsOf(input, given);
    const streams = url === options.streamUrl;
    if (!streams && url !== options.url) {
      throw new TypeError(
        'createFetch: this fetch adds the API key, so it only sends to the url of the API and to its streams.',
      );
    }
    const { signal, release } = link(init.signal, closing);
    try {
      return await send(options, { url, init, operation: operationOfBody(init.body), signal, streams });
    } finally {
      // A stream needs both signals until it ends.
      if (!streams) release();
    }
  };
}

/** Reads a request into parts, so that it can be sent more than once. */
async function partsOf(
  input: Parameters<typeof fetch>[0],
  init: RequestInit = {},
): Promise<{ url: string; init: RequestInit }> {
  if (!(input instanceof Request)) return { url: new URL(input).href, init };
  const request = new Request(input, init);
  const { method, headers, signal } = request;
  const body = request.body === null ? null : await request.text();
  return { url: request.url, init: { ...init, method, headers, signal, body } };
}
