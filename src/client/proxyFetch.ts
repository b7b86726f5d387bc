import { Unavailable } from './errors.js';
import { readProxies } from '../shared/settings/proxyVariables.js';
import { fetchThrough, ProxyError } from '../shared/outgoing/fetchThrough.js';

/**
 * Returns the `fetch` of a client on Node: through the proxies of the environment, and with the client's errors.
 * @returns undefined if there is no proxy, so that the client uses the platform's `fetch`
 * @throws SettingsError
 */
export function proxyFetch(): typeof fetch | undefined {
  const proxies = readProxies();
  if (proxies === null) return undefined;
  const send = fetchThrough(proxies);
  return async (input, init) => {
    try {
      return await send(input, init);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      throw new Unavailable(error.message, {
        code: error.refused ? 'PROXY_REFUSED' : 'UNREACHABLE',
        cause: error,
      });
    }
  };
}
