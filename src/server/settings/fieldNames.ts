import { z } from 'zod';

/** The maximum number of names. The response to each preflight request contains all of them. */
const MAX_NAMES = 50;

/** A token (RFC 9110 section 5.1). It can't contain a character that ends a header field. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/** Fields that only the browser can set (the Fetch standard: forbidden request-header). */
const BROWSERS_OWN =
  /^(?:accept-charset|accept-encoding|access-control-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|proxy-.*|sec-.*)$/i;

/** Fields that pages can't read (forbidden response-header names in the Fetch standard). */
const UNREADABLE = /^set-cookie2?$/i;

/** Returns the schema of a list of header fields that pages may send or read. */
export function parseFieldNames(of: 'request' | 'response') {
  return z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .superRefine((names, context) => {
      for (const name of names) {
        const message = faultOf(name, of);
        if (message !== null) context.addIssue({ code: 'custom', message, params: { item: name } });
      }
    })
    .refine((names) => names.length <= MAX_NAMES, `has more than ${MAX_NAMES} names`);
}

function faultOf(name: string, of: 'request' | 'response'): string | null {
  if (name === '') return 'is empty: remove the extra comma';
  if (name === '*') return 'is a wildcard, which does not cover Authorization; write each name';
  if (!NAME.test(name)) return 'is not the name of a header field';
  if (of === 'request' && BROWSERS_OWN.test(name)) return 'is set by the browser itself; pages cannot set it';
  if (of === 'response' && UNREADABLE.test(name)) return 'is not readable by pages';
  return null;
}
