/** A proxy for outgoing requests. */
export interface Proxy {
  /** The variable that names it, for errors. */
  readonly variable: string;
  /** Without credentials, as in `http://proxy.example.com:3128`. */
  readonly url: string;
  /** Value of Proxy-Authorization; null if it needs none. */
  readonly authorization: string | null;
}

/** The proxies of the environment, by the scheme of the address that is requested. */
export interface Proxies {
  readonly http: Proxy | null;
  readonly https: Proxy | null;
  /** NO_PROXY, as it is written. */
  readonly noProxy: string;
}

/**
 * Reads the URL of a proxy.
 *
 * @returns the fault without any part of the URL, which may contain a password
 */
export function parseProxy(variable: string, text: string): Proxy | { readonly fault: string } {
  const given = text.trim();
  // A proxy without a scheme is an HTTP proxy, as for curl.
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || url.hostname === '') return { fault: 'is not the URL of a proxy' };
  if (!/^https?:$/.test(url.protocol)) return { fault: 'has a scheme that is not supported' };
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return { fault: 'has a path, a query or a fragment. Escape / ? # in a user name or password as %2F %3F %23' };
  }
  const authorization = authorizationOf(url);
  if (authorization === undefined) {
    return { fault: 'has a user name or password with a % that escapes nothing. Write % as %25' };
  }
  return { variable, url: url.origin, authorization };
}

/** Basic (RFC 7617), in UTF-8. @returns undefined if the credentials can't be decoded */
function authorizationOf({ username, password }: URL): string | null | undefined {
  if (username === '' && password === '') return null;
  try {
    const bytes = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    return `Basic ${btoa(String.fromCharCode(...bytes))}`;
  } catch {
    return undefined;
  }
}
