import { z } from 'zod';

/** A field of each preflight is sent in full every time. */
const MAX_NAMES = 50;

/** A token (RFC 9110 section 5.1), and so nothing that could end a field. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/** Fields that a browser sets by itself and lets no page set (the Fetch standard: forbidden request-header). */
const BROWSERS_OWN =
  /^(?:accept-charset|accept-encoding|access-control-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|proxy-.*|sec-.*)$/i;

/** Fields that no page may read (the Fetch standard: forbidden response-header name). */
const UNREADABLE = /^set-cookie2?$/i;

/** A list of header fields that pages may send, or read. */
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
    .refine((names) => names.length <= MAX_NAMES, `holds more than ${MAX_NAMES} names`);
}

function faultOf(name: string, of: 'request' | 'response'): string | null {
  if (name === '') return 'is empty: take out the comma beside it';
  if (name === '*') return 'is a wildcard, which does not cover Authorization; write each name';
  if (!NAME.test(name)) return 'is not the name of a header field';
  if (of === 'request' && BROWSERS_OWN.test(name)) return 'is set by the browser itself; no page may set it';
  if (of === 'response' && UNREADABLE.test(name)) return 'is readable by no page';
  return null;
}
