import { parseScope, PLATFORM } from '../../scopes/grammar.js';
import type { OidcConfiguration } from './oidcConfiguration.js';

/**
 * The metadata of a protected resource (RFC 9728 section 2).
 *
 * @example
 * ```ts
 * import type { Latchkey, ProtectedResource } from 'latchkey';
 *
 * export function metadataOf(latchkey: Latchkey): ProtectedResource | null {
 *   return latchkey.protectedResource();
 * }
 * ```
 */
export interface ProtectedResource {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  /** Not the query or the body, because logs may contain them. */
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: string;
}

/** The endpoint: /graphql or /mcp. Clients compare the `resource` with the address that they call. */
export type ResourceKind = 'graphql' | 'mcp';

/** Returns the metadata of an endpoint. @param scopes all scopes of the guarded schema @returns null if it has no address */
export function protectedResource(
  { resource: graphql, mcpResource, issuer }: OidcConfiguration,
  scopes: Iterable<string>,
  kind: ResourceKind = 'graphql',
): ProtectedResource | null {
  const resource = kind === 'mcp' ? mcpResource : graphql;
  if (resource === null) return null;
  // MCP clients request all listed scopes by default, so only scopes for reading are listed.
  const isNamed = kind === 'mcp' ? isToRead : isNotPlatform;
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [...scopes].filter(isNamed).sort(),
    bearer_methods_supported: ['header'],
    resource_name: 'Latchkey',
  };
}

/** Excludes `platform`, because access tokens can't grant it. */
function isNotPlatform(scope: string): boolean {
  return scope !== PLATFORM;
}

function isToRead(text: string): boolean {
  const scope = parseScope(text);
  return scope?.kind === 'grant' && scope.action === 'read';
}
