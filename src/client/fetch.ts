import { operationOfBody } from './operation.js';
import { resolveOptions, type ClientOptions, type Resolved } from './options.js';
import { send } from './send.js';
import { link } from './waiting.js';

/**
 * `fetch` for a GraphQL client that others make: it adds the key, waits for its turn, and repeats what may be repeated. The
 * rest is as with the platform's own, whatever the answer's status.
 *
 * Rejects with Unavailable where there was no answer, with TypeError for another address than the API's, which has no
 * business with the key, or with the reason of the signal that was passed.
 *
 * @example new GraphQLClient(url, { fetch: createFetch({ url }) })
 */
export function createFetch(options: ClientOptions = {}): typeof fetch {
  return fetchWith(resolveOptions('createFetch', options), new AbortController().signal);
}

/** @param closing aborts whatever is on its way */
export function fetchWith(options: Resolved, closing: AbortSignal): typeof fetch {
  return async (input, given) => {
    const { url, init } = await partsOf(input, given);
    const streams = url === options.streamUrl;
    if (!streams && url !== options.url) {
      throw new TypeError(
        'createFetch: this fetch sends to its own url and its streams only, because it adds the key.',
      );
    }
    const { signal, release } = link(init.signal, closing);
    try {
      return await send(options, { url, init, operation: operationOfBody(init.body), signal, streams });
    } finally {
      // What streams is ended by them for as long as it lasts.
      if (!streams) release();
    }
  };
}

/** A request taken apart, so that it can be sent more than once. */
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
