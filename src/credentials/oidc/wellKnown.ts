/** Where RFC 9728 section 3 puts the metadata: between the host and the path of the resource. */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** @param resource an address */
export function metadataAddress(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}`;
}
