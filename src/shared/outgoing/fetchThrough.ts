import type { Dispatcher } from 'undici';
import { NoProxy } from './noProxy.js';
import type { Proxies, Proxy } from './proxies.js';

/** A request that failed at a proxy, or behind one. It contains no credentials. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** Whether the proxy refused to forward, which another try won't change. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean, cause: unknown) {
    super(message, { cause });
    this.refused = refused;
  }
}

/**
 * Returns a `fetch` that sends requests through proxies, and takes addresses as a string or URL. Plain HTTP is forwarded by the
 * proxy; HTTPS goes through a tunnel (CONNECT), so that the proxy can't read it.
 *
 * The agents and the `fetch` are undici's, in one version: an agent doesn't work with the `fetch` of every Node. undici is loaded
 * at the first request that goes through a proxy.
 */
export function fetchThrough(proxies: Proxies): typeof fetch {
  const noProxy = new NoProxy(proxies.noProxy);
  const agents = new Map<Proxy, Dispatcher>();
  const send = async (address: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(address);
    const proxy = url.protocol === 'https:' ? proxies.https : proxies.http;
    if (proxy === null || noProxy.has(url)) return fetch(url, init);
    const { fetch: fetchOfUndici, ProxyAgent } = await import('undici');
    let agent = agents.get(proxy);
    if (agent === undefined) agents.set(proxy, (agent = new ProxyAgent(agentOptions(proxy))));
    try {
      return await fetchOfUndici(url, { ...init, dispatcher: agent } as never);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw faultOf(proxy, url, error);
    }
  };
  return send as typeof fetch;
}

function agentOptions({ url, authorization }: Proxy) {
  // Many proxies tunnel to port 443 only.
  return { uri: url, proxyTunnel: false, ...(authorization !== null && { token: authorization }) };
}

function faultOf(proxy: Proxy, url: URL, error: unknown): ProxyError {
  const at = `The proxy ${new URL(proxy.url).host} (${proxy.variable})`;
  const status = statusIn(error);
  if (status === 407) {
    const what = proxy.authorization === null ? 'requires credentials' : 'does not accept the credentials';
    return new ProxyError(
      `${at} ${what} (407). Set ${proxy.variable} to http://user:password@host:port, with the user name and password of the proxy.`,
      true,
      error,
    );
  }
  if (status !== null) {
    return new ProxyError(
      `${at} does not forward to ${url.host} (${status}). Ask its operator, or add the host to NO_PROXY.`,
      status < 500,
      error,
    );
  }
  return new ProxyError(
    `${url.host} cannot be reached through the proxy ${new URL(proxy.url).host} (${proxy.variable})${codeIn(error)}. Check the proxy and the network, or add the host to NO_PROXY.`,
    false,
    error,
  );
}

/** Returns the status with which a proxy rejected the request; null if none. undici only has it in the message. */
function statusIn(error: unknown): number | null {
  for (const { message } of chain(error)) {
    if (/proxy authentication required/i.test(message)) return 407;
    const status = /^Proxy response \((\d{3})\)/.exec(message)?.[1];
    if (status !== undefined) return Number(status);
  }
  return null;
}

function codeIn(error: unknown): string {
  for (const { code } of chain(error)) if (typeof code === 'string') return `: ${code}`;
  return '';
}

/** Yields an error and its causes. They may come from another realm, so `instanceof` does not work. */
function* chain(error: unknown): Generator<{ readonly message: string; readonly code?: unknown }> {
  for (let at = error, depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { message, code, cause } = at as { message?: unknown; code?: unknown; cause?: unknown };
    yield { message: String(message), code };
    at = cause;
  }
}
