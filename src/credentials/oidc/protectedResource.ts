import { parseScope, PLATFORM } from '../../scopes/grammar.js';
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

/** Which of the server's addresses: /graphql, or /mcp. Clients hold a resource's name against the address that they call. */
export type ResourceKind = 'graphql' | 'mcp';

/** @param scopes all that the guarded schema asks for @returns null where the resource has no address */
export function protectedResource(
  { resource: graphql, mcpResource, issuer }: OidcConfiguration,
  scopes: Iterable<string>,
  kind: ResourceKind = 'graphql',
): ProtectedResource | null {
  const resource = kind === 'mcp' ? mcpResource : graphql;
  if (resource === null) return null;
  // MCP's clients ask for all that is named here, unless their user says otherwise: to read should be what they get.
  const isNamed = kind === 'mcp' ? isToRead : isNotPlatform;
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [...scopes].filter(isNamed).sort(),
    bearer_methods_supported: ['header'],
    resource_name: 'Latchkey',
  };
}

/** A claim cannot grant `platform`: nobody should ask an issuer for it. */
function isNotPlatform(scope: string): boolean {
  return scope !== PLATFORM;
}

function isToRead(text: string): boolean {
  const scope = parseScope(text);
  return scope?.kind === 'grant' && scope.action === 'read';
}
