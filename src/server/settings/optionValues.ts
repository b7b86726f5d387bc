import { isIP } from 'node:net';
import { z } from 'zod';
import { isAddressOrRange } from '../../core/net/addressList.js';
import { isQuoted } from '../../shared/settings/quotes.js';

/** A whole number in a range. @param otherwise the message for other text */
export const wholeNumber = (min: number, max: number, otherwise = 'is not a whole number') =>
  z
    .string()
    .regex(/^-?\d+$/, otherwise)
    .transform(Number)
    .refine((n) => n >= min && n <= max, 'is out of range');

/** One of several words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: 'is not one of the allowed values' });

/** A list with commas. */
export const list = z.string().transform((text) => text.split(',').map((item) => item.trim()));

/** A list with a check for each item. @param fault returns what is wrong with an item, or null */
export const listOf = (fault: (item: string) => string | null) =>
  list.superRefine((items, context) => {
    for (const item of items) {
      const message = item === '' ? 'is empty: remove the extra comma' : fault(item);
      if (message !== null) context.addIssue({ code: 'custom', message, params: { item } });
    }
  });

/** A host name or address, with its description. */
export const HOST_RULE = {
  allowed: 'a host name or address to listen on, such as 127.0.0.1, 0.0.0.0 or ::1, without a port or brackets',
  schema: z.string().refine(isHost, 'is not a host name or address'),
};

/** A path. Quotes or white space around it, often from environment files, are refused. The characters would become part of the name. */
export const path = z
  .string()
  .refine((text) => !isQuoted(text) && text === text.trim(), 'has quotes or white space around it')
  // oxlint-disable-next-line no-control-regex
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), 'has control characters');

/** An address, or a host name (RFC 1123) that may have underscores, as names of containers do. */
function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  // A text of digits and dots is an invalid address.
  return text.length <= 253 && /^[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/.test(text) && !/^[\d.]+$/.test(text);
}

/** Returns what is wrong with the address of a proxy, or null. */
export function faultOfProxy(item: string): string | null {
  if (!isAddressOrRange(item)) return 'is not an address or a CIDR range';
  return item.endsWith('/0') ? 'includes all addresses, so callers could choose their own address' : null;
}

/** Returns whether a text is the address of a Redis server. Refuses a query, which could set options of the Redis client. */
export function isRedisUrl(text: string): boolean {
  if (!/^rediss?:\/\/[^\s?#]+$/.test(text) || !URL.canParse(text)) return false;
  const { hostname, pathname, username, password } = new URL(text);
  return hostname !== '' && /^(\/\d{0,4})?$/.test(pathname) && [username, password].every(isPercentEncoded);
}

/** Returns whether a text is the address of a webhook. Refuses a user and a password, because `fetch` does not accept them in an address. */
export function isWebhook(text: string): boolean {
  if (!/^https?:\/\/[^\s#]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
