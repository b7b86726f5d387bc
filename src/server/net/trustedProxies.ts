import type { IncomingMessage } from 'node:http';
import { AddressList } from '../../core/net/addressList.js';
import { connectionAddress, readAddress, readNode, UNKNOWN_ADDRESS } from '../../core/net/address.js';
import { parseForwarded, type ForwardedElement } from './forwarded.js';

/** Header fields in which a proxy can name the caller. */
export const PROXY_HEADERS = ['x-forwarded-for', 'forwarded'] as const;
export type ProxyHeader = (typeof PROXY_HEADERS)[number];

/** Proxies in a row; an address behind more of them is unknown. */
const MAX_HOPS = 32;

/** Where a request comes from. */
export interface Caller {
  /** An IP address in its shortest spelling, or {@link UNKNOWN_ADDRESS}. */
  readonly address: string;
  /** Whether the caller spoke HTTPS, to this server or to a trusted proxy. */
  readonly https: boolean;
  /** Whether the request names an earlier address that is ignored because TRUST_PROXY doesn't include the sender. */
  readonly unbelieved: boolean;
}

type Source = Pick<IncomingMessage, 'headers' | 'rawHeaders'> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

/** Finds out where a request comes from. */
export interface Callers {
  callerOf(request: IncomingMessage, encrypted: boolean): Caller;
}

/** Determines the address of each caller. This is the only place that reads the header fields of proxies. */
export class Proxies implements Callers {
  readonly #trusted: AddressList | null;
  readonly #header: ProxyHeader;

  /**
   * @param trusted addresses and CIDR ranges of proxies
   * @param header the field that they set; the other one is ignored, since they pass it on as the caller wrote it
   */
  constructor(trusted: readonly string[], header: ProxyHeader = 'x-forwarded-for') {
    this.#trusted = trusted.length === 0 ? null : new AddressList(trusted);
    this.#header = header;
  }

  /** Returns whether a request was sent by a trusted proxy. */
  isProxy({ socket }: Pick<Source, 'socket'>): boolean {
    return this.#trusted?.has(connectionAddress(socket.remoteAddress)) === true;
  }

  callerOf(request: Source, encrypted: boolean): Caller {
    const { headers, socket } = request;
    const address = connectionAddress(socket.remoteAddress);
    if (this.#trusted?.has(address) !== true) return { address, https: encrypted, unbelieved: namesCaller(headers) };
    return this.#header === 'forwarded'
      ? this.#byForwarded(request, address, encrypted)
      : this.#byXForwarded(request, address, encrypted);
  }

  #byXForwarded({ headers }: Source, peer: string, encrypted: boolean): Caller {
    const https = isHttps(lastOf(headers['x-forwarded-proto']), encrypted);
    const field = joined(headers['x-forwarded-for']);
    let address = peer;
    let end = field.trim() === '' ? 0 : field.length + 1;
    for (let hop = 0; end > 0; hop += 1) {
      const start = field.lastIndexOf(',', end - 2) + 1;
      address = hop < MAX_HOPS ? readAddress(field.slice(start, end - 1)) : UNKNOWN_ADDRESS;
      if (this.#trusted?.has(address) !== true) break;
      end = start;
    }
    return { address, https, unbelieved: false };
  }

  /** The scheme comes from the element that names the caller: all elements after it come from trusted proxies. */
  #byForwarded({ rawHeaders, headers }: Source, peer: string, encrypted: boolean): Caller {
    let caller: Caller = { address: peer, https: encrypted, unbelieved: false };
    if ((headers.forwarded ?? '').trim() === '') return caller;
    let hops = 0;
    for (const field of fieldsFromLast(rawHeaders, 'forwarded')) {
      for (const element of parseForwarded(field)?.toReversed() ?? [MALFORMED]) {
        hops += 1;
        const address = hops > MAX_HOPS ? UNKNOWN_ADDRESS : readNode(element.get('for') ?? '');
        caller = { address, https: isHttps(element.get('proto'), encrypted), unbelieved: false };
        if (this.#trusted?.has(address) !== true) return caller;
      }
    }
    return caller;
  }
}

const MALFORMED: ForwardedElement = new Map();

function namesCaller(headers: IncomingMessage['headers']): boolean {
  return headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
}

/** Each field on its own, last first: what a caller wrote into an earlier one can't spoil a proxy's. */
function* fieldsFromLast(rawHeaders: readonly string[], wanted: string): Generator<string> {
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]?.toLowerCase() === wanted) yield rawHeaders[i + 1] ?? '';
  }
}

function joined(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join(',');
}

/** If there are several values, the last one, which the nearest proxy wrote. */
function lastOf(value: string | readonly string[] | undefined): string | undefined {
  const field = joined(value);
  return field === '' ? undefined : (field.split(',').at(-1) ?? '').trim();
}

/** The case of a scheme is free (RFC 3986 section 3.1). @param scheme undefined if the proxy names none */
function isHttps(scheme: string | undefined, encrypted: boolean): boolean {
  return scheme === undefined ? encrypted : scheme.toLowerCase() === 'https';
}
