import { LRUCache } from 'lru-cache';
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { detached } from './detached.js';

/**
 * An address that a proxy hides, or that can't be read. No address list contains it, and all callers that have it share one count of
 * failures.
 */
export const UNKNOWN_ADDRESS = 'unknown';

const MAPPED = '::ffff:';

/** The longest node: an IPv6 address with a zone, in brackets and quotes, and a port. */
const MAX_NODE_LENGTH = 100;

/** Azure and some HAProxy set-ups add the port (RFC 7239 section 6, which also allows an obfuscated one). */
const PORT = /^:(?:(\d{1,5})|_[A-Za-z0-9._-]+)$/;

/**
 * Returns the address of a connection, as the system gives it, without its zone. An IPv4 caller of a dual-stack socket gets
 * an IPv4 address.
 */
export function connectionAddress(address: string | undefined): string {
  if (address === undefined) return UNKNOWN_ADDRESS;
  if (!address.includes(':')) return address;
  const zoneless = withoutZone(address);
  return zoneless.startsWith(MAPPED) && isIPv4(zoneless.slice(MAPPED.length))
    ? zoneless.slice(MAPPED.length)
    : zoneless;
}

/**
 * Returns the address in a text: without white space, quotes, brackets, port and zone, and always in the same spelling.
 *
 * @returns UNKNOWN_ADDRESS if the text is not an address
 */
export function readAddress(text: string): string {
  if (text !== lastText) {
    lastAddress = read(text);
    lastText = text === lastAddress ? lastAddress : text.length > MAX_NODE_LENGTH ? null : detached(text);
  }
  return lastAddress;
}

/** The last text that was read, because a request's address is read more than once. */
let lastText: string | null = null;
let lastAddress = UNKNOWN_ADDRESS;

function read(text: string): string {
  if (isIPv4(text)) return detached(text);
  if (text.length > MAX_NODE_LENGTH) return UNKNOWN_ADDRESS;
  const node = unquoted(text.trim());
  return isIPv6(node) ? canonical(node) : readNode(node);
}

/** Like {@link readAddress}, for a node of RFC 7239 section 6: an IPv6 address must be in brackets. */
export function readNode(node: string): string {
  if (node.length > MAX_NODE_LENGTH) return UNKNOWN_ADDRESS;
  const bracket = node.startsWith('[') ? node.indexOf(']') : -1;
  const colon = node.indexOf(':');
  const end = bracket >= 0 ? bracket + 1 : colon === -1 ? node.length : colon;
  if (end < node.length && !isPort(node.slice(end))) return UNKNOWN_ADDRESS;
  const host = node.slice(0, end);
  if (bracket < 0) return isIPv4(host) ? detached(host) : UNKNOWN_ADDRESS;
  const inside = host.slice(1, -1);
  return isIPv6(inside) ? canonical(inside) : UNKNOWN_ADDRESS;
}

function isPort(text: string): boolean {
  const found = PORT.exec(text);
  return found !== null && Number(found[1] ?? 0) <= 65_535;
}

function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).trim() : text;
}

/** To write an IPv6 address takes 3 µs, and most requests come from an address that was seen before. */
const written = new LRUCache<string, string>({ max: 1_000 });

/** @param address an IPv6 address, of at most {@link MAX_NODE_LENGTH} characters */
function canonical(address: string): string {
  const known = written.get(address);
  if (known !== undefined) return known;
  const text = connectionAddress(new SocketAddress({ address: withoutZone(address), family: 'ipv6' }).address);
  written.set(detached(address), text);
  return text;
}

/** A zone names an interface of one machine (RFC 4007), so it says nothing about the caller. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
