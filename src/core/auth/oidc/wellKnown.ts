/** The start of the metadata's path, which is inserted between the host and the path of the resource (RFC 9728 section 3). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Returns the address of a resource's metadata. @param resource the address of the resource */
export function metadataAddress(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}`;
}
