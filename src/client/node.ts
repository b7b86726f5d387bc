// `latchkey/client` on Node: adds the proxies of the environment to the client.
import { createClient as createClientAnywhere, createFetch as createFetchAnywhere } from './index.js';
import type { Client, ClientOptions } from './index.js';
import { isPlainObject } from '../shared/optionChecks.js';
import { proxyFetch } from './proxyFetch.js';
import { SettingsError } from '../shared/settings/error.js';

export * from './index.js';

/**
 * Creates a client that uses the proxies of the environment: see `createClient` of `./client`.
 *
 * @example
 * ```ts
 * import { createClient } from 'latchkey/client';
 *
 * // Uses HTTPS_PROXY, if it is set.
 * export const client = createClient({ url: 'https://api.example.com/graphql' });
 * ```
 */
export function createClient(options?: ClientOptions): Client {
  return createClientAnywhere(withProxies(options));
}

/**
 * Creates a fetch that uses the proxies of the environment: see `createFetch` of `./client`.
 *
 * @example
 * ```ts
 * import { GraphQLClient } from 'graphql-request';
 * import { createFetch } from 'latchkey/client';
 *
 * const url = 'https://api.example.com/graphql';
 * export const client = new GraphQLClient(url, { fetch: createFetch({ url }) });
 * ```
 */
export function createFetch(options?: ClientOptions): typeof fetch {
  return createFetchAnywhere(withProxies(options));
}

/** A custom `fetch` decides itself whether to use a proxy. */
function withProxies(options: ClientOptions | undefined): ClientOptions | undefined {
  if (options !== undefined && !isPlainObject(options)) return options;
  if (options?.fetch !== undefined) return options;
  const fetch = proxiesOfEnvironment();
  return fetch === undefined ? options : { ...options, fetch };
}

function proxiesOfEnvironment(): typeof fetch | undefined {
  try {
    return proxyFetch();
  } catch (error) {
    if (error instanceof SettingsError) throw new TypeError(error.message, { cause: error });
    throw error;
  }
}
