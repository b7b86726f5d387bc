/** The parameters of one element of a Forwarded field, names in lower case. */
export type ForwardedElement = ReadonlyMap<string, string>;

/**
 * One parameter and the rest. A quoted value may not contain `,` `;` `=` `"` `\` or white space. No address, host or
 * scheme has them, and a caller who gets a quote into the field could hide the proxy's elements inside a quoted string.
 */
const PARAMETER =
  /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"([!#-+\-./0-:<>-[\]-~]*)")[ \t]*([,;]|$)/y;

/**
 * Parses a Forwarded field (RFC 7239 section 4). By hand, because `forwarded-parse` accepts a parameter twice in one element
 * and takes the last.
 *
 * @returns the elements in order; null if anything in the field is malformed, because the boundaries of what the proxy
 *   wrote are unknown then
 */
export function parseForwarded(field: string): readonly ForwardedElement[] | null {
  const elements: ForwardedElement[] = [];
  let element = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  for (;;) {
    const found = PARAMETER.exec(field);
    if (found === null) return null;
    const [, name = '', token, quoted = '', next = ''] = found;
    const known = name.toLowerCase();
    if (element.has(known)) return null;
    element.set(known, token ?? quoted);
    if (next === ';') continue;
    elements.push(element);
    if (next === '') return elements;
    element = new Map();
  }
}
