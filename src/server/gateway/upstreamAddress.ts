import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { readAddress } from '../../core/net/address.js';
import { AddressList } from '../../core/net/addressList.js';

/** Describes what {@link isUpstream} allows, for messages. */
export const UPSTREAM =
  'the http:// or https:// address of a GraphQL endpoint, without user, query and fragment, and not a link-local, multicast or unspecified address';

/** Describes what {@link isWsUpstream} allows, for messages. */
export const WS_UPSTREAM = 'the ws:// or wss:// address of an endpoint, with the same rules as GATEWAY_UPSTREAM';

/** Returns whether a text is the address of an upstream for WebSockets. */
export function isWsUpstream(text: string): boolean {
  return /^wss?:/.test(text) && isUpstream(text.replace(/^ws/, 'http'));
}

/**
 * Addresses that a GraphQL API cannot have. The most dangerous are the metadata services of clouds, which are link-local: they hand
 * out credentials to any process that asks them by HTTP.
 */
const NEVER = new AddressList([
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128', '100.100.100.200/32'],
]);

/** Returns whether a text is the address of an upstream. Host names are checked again when they are resolved. */
export function isUpstream(text: string): boolean {
  if (!/^https?:\/\/[^\s?#@\\"]+$/.test(text) || !URL.canParse(text)) return false;
  const { hostname } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 || !NEVER.has(readAddress(host));
}

/**
 * Resolves a host name for a connection to the upstream, and refuses an address that no API has: a name can lead anywhere,
 * and can change after the start.
 */
export const lookupUpstream: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) {
      callback(error, [], 0);
      return;
    }
    const bad = found.find(({ address }) => NEVER.has(readAddress(address)));
    if (bad !== undefined || found.length === 0) {
      const refused = `${hostname} leads to ${bad?.address ?? 'no address'}, to which the gateway doesn't connect.`;
      callback(Object.assign(new Error(refused), { code: 'EADDRNOTALLOWED' }), [], 0);
      return;
    }
    const [first] = found;
    if (options.all === true) callback(null, found);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  });
};
