import { PLATFORM } from '../../scopes/grammar.js';
import type { OidcConfiguration } from './configuration.js';

/** RFC 9728 section 2, as much of it as there is to say. */
export interface ProtectedResource {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  /** Never the query or the body: both end up in logs. */
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: string;
}

/** @param scopes all that the guarded schema asks for @returns null where the resource has no address */
export function protectedResource(
  { resource, issuer }: OidcConfiguration,
  scopes: Iterable<string>,
): ProtectedResource | null {
  if (resource === null) return null;
  return {
    resource,
    authorization_servers: [issuer],
    // A claim cannot grant `platform`: nobody should ask an issuer for it.
    scopes_supported: [...scopes].filter((scope) => scope !== PLATFORM).sort(),
    bearer_methods_supported: ['header'],
    resource_name: 'Latchkey',
  };
}
