import { parseProxy, type Proxies, type Proxy } from '../outgoing/proxies.js';
import { SettingsError } from './error.js';
import { isQuoted } from './quotes.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PROXY_FORM = 'http:// (the default) or https://, user:password@ where needed, a host, and optionally :port';

/** Descriptions of the variables, for the reference. Their lower-case names are read too. */
export const PROXY_VARIABLES: readonly (readonly [name: string, about: string, allowed: string])[] = [
  ['HTTPS_PROXY', 'the proxy for requests to `https://` addresses, which it tunnels (CONNECT)', PROXY_FORM],
  ['HTTP_PROXY', 'the proxy for requests to `http://` addresses, which it forwards', PROXY_FORM],
  [
    'NO_PROXY',
    'hosts that are requested without a proxy',
    'names of hosts, which include their subdomains, addresses and CIDR ranges, each name or address optionally with :port, separated by commas or spaces; or * for everything',
  ],
];

/**
 * Reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY by the usual rules: as in curl, the lower-case name takes precedence, and an empty
 * variable counts as unset.
 *
 * @returns null if there is no proxy
 * @throws SettingsError that names the variable but does not contain its value
 */
export function readProxies(environment: Environment = process.env): Proxies | null {
  const http = proxyOf(environment, 'http_proxy');
  const https = proxyOf(environment, 'https_proxy');
  if (http === null && https === null) return null;
  return Object.freeze({ http, https, noProxy: find(environment, 'no_proxy')?.value ?? '' });
}

function proxyOf(environment: Environment, lower: 'http_proxy' | 'https_proxy'): Proxy | null {
  const found = find(environment, lower);
  if (found === null) return null;
  if (isQuoted(found.value))
    throw new SettingsError(`${found.name} has quotes around its value; remove them. Allowed: ${PROXY_FORM}.`);
  const proxy = parseProxy(found.name, found.value);
  if ('fault' in proxy) throw new SettingsError(`${found.name} ${proxy.fault}. Allowed: ${PROXY_FORM}.`);
  return Object.freeze(proxy);
}

function find(environment: Environment, lower: string): { name: string; value: string } | null {
  const upper = lower.toUpperCase();
  for (const name of [lower, upper]) {
    // In a CGI program, HTTP_PROXY contains the header field `Proxy` of the request (CVE-2016-5385).
    if (name === 'HTTP_PROXY' && environment.REQUEST_METHOD !== undefined) continue;
    const value = environment[name] ?? '';
    if (value.trim() !== '') return { name, value };
  }
  return null;
}
