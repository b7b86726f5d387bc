/** The longest origin that is accepted. */
const MAX_LENGTH = 255;

/** Schemes whose pages send `Origin: null`, or that no page is loaded from. */
const NO_PAGES = new Set(['file', 'data', 'blob', 'filesystem', 'javascript', 'about', 'ftp', 'ws', 'wss', 'mailto']);

const NULL =
  'is the origin of every local file and sandboxed frame, so it would allow any page; serve the page from an origin such as app://name or http://localhost:3000';

/** An origin as browsers send it, or what is wrong with the text. */
type OriginResult = { readonly origin: string } | { readonly fault: string };

/**
 * Parses an origin that an operator wrote: `*`, `https://app.example.com`, or one of another scheme such as
 * `chrome-extension://<id>`, `capacitor://localhost` or `app://`.
 *
 * Browsers send the scheme and the host in lower case, names in ASCII (Punycode), and no default port. Other spellings are
 * converted to this form. Without that, they would never match.
 */
export function parseOrigin(text: string): OriginResult {
  if (text === '*') return { origin: text };
  if (text.toLowerCase() === 'null') return { fault: NULL };
  if (text.length > MAX_LENGTH) return { fault: `has more than ${MAX_LENGTH} characters` };
  const [, written = '', authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\\s]*)$/i.exec(text) ?? [];
  const scheme = written.toLowerCase();
  if (scheme === '') return { fault: faultOfForm(text) };
  if (authority.includes('*')) return { fault: 'contains a wildcard; list each origin, or use only * for any' };
  if (authority.includes('@'))
    return { fault: 'contains a user name; an origin is scheme://host and optionally :port' };
  if (NO_PAGES.has(scheme)) return { fault: `has the scheme ${scheme}, whose pages do not send this origin` };
  return scheme === 'http' || scheme === 'https' ? webOrigin(text) : appOrigin(scheme, authority);
}

function faultOfForm(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*[/?#]/i.test(text)
    ? 'contains more than an origin; end it after the host or the port'
    : 'is not an origin';
}

function webOrigin(text: string): OriginResult {
  if (!URL.canParse(text)) return { fault: 'has no valid host or port' };
  return { origin: new URL(text).origin };
}

/** Parses an origin with a scheme that an application registered. Its host may be empty and keeps its spelling. */
function appOrigin(scheme: string, authority: string): OriginResult {
  const form = /^(?:[a-z0-9._~-]*|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(authority);
  if (form === null || Number(form[1] ?? 0) > 65_535) return { fault: 'has no valid host or port' };
  return { origin: `${scheme}://${authority}` };
}
