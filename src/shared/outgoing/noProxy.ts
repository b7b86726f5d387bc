import { BlockList, isIP } from 'node:net';

interface Entry {
  /** Undefined: any port. */
  readonly port: string | undefined;
  readonly matches: (host: string) => boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Decides which addresses are requested directly although there is a proxy: those of NO_PROXY, and always this machine. A proxy on
 * another machine would reach its own loopback, not ours.
 */
export class NoProxy {
  readonly #entries: readonly Entry[];

  /**
   * @param text names of hosts and domains, addresses and CIDR ranges, each with an optional port, or `*`, separated by
   *   commas or spaces. Entries of any other form match nothing, as in curl, because other programs use the variable too.
   */
  constructor(text: string) {
    this.#entries = text
      .split(/[\s,]+/)
      .filter((item) => item !== '')
      .map(entryOf)
      .filter((entry) => entry !== null);
  }

  has(url: URL): boolean {
    const host = bareHost(url.hostname);
    const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
    if (isLoopback(host)) return true;
    return this.#entries.some((entry) => (entry.port ?? port) === port && entry.matches(host));
  }
}

function entryOf(item: string): Entry | null {
  if (item === '*') return { port: undefined, matches: () => true };
  const range = rangeOf(item);
  if (range !== null) return { port: undefined, matches: (host) => isWithin(range, host) };
  // `.example.com` and `*.example.com` mean the domain, as `example.com` does.
  const name = isIP(item) === 6 ? `[${item}]` : item.replace(/^\*?\.?/, '');
  const { host, port } = /^(?<host>.+?)(?::(?<port>\d{1,5}))?$/.exec(name)?.groups ?? {};
  if (host === undefined || /[/?#@\\]/.test(host) || !URL.canParse(`http://${host}`)) return null;
  // The spelling in which addresses and international names appear in a URL.
  const wanted = bareHost(new URL(`http://${host}`).hostname);
  if (wanted === '') return null;
  const isDomain = isIP(wanted) === 0;
  return {
    port: port === undefined ? undefined : String(Number(port)),
    matches: (asked) => asked === wanted || (isDomain && asked.endsWith(`.${wanted}`)),
  };
}

function rangeOf(item: string): BlockList | null {
  const [address = '', bits = '', ...rest] = item.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return null;
  if (Number(bits) > (family === 4 ? 32 : 128)) return null;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isWithin(LOOPBACK, host);
}

function isWithin(list: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Without the brackets of an IPv6 address and the dot of a name's root. */
function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
