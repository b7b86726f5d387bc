import type { Principal } from '../principal.js';

/** Returns the claims that describe a principal. A claim without a value is omitted. */
export function claimsOf(principal: Principal): object {
  return {
    sub: principal.keyId ?? 'anonymous',
    kind: principal.kind,
    workspace: principal.workspaceId ?? undefined,
    project: principal.projectId ?? undefined,
    user: principal.userId ?? undefined,
    key_id: principal.keyId ?? undefined,
    token_id: tokenIdOf(principal),
    scope: principal.scopes.join(' '),
    plan: principal.tier ?? undefined,
  };
}

/** Returns the ID of the derived token that the principal was authenticated by; undefined if it was another credential. */
export function tokenIdOf(principal: Principal): string | undefined {
  return principal.kind === 'anonymous' ? undefined : principal.tokenId;
}
