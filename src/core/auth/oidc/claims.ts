import { createHash } from 'node:crypto';
import { isId } from '../../keys/keyInput.js';
import { parseScope, PLATFORM } from '../../scopes/grammar.js';
import type { Roles } from '../../scopes/roles.js';
import type { Tier } from '../../store/records.js';
import { authenticated, type AuthenticatedPrincipal } from '../principal.js';
import type { ClaimName, OidcConfiguration } from './oidcConfiguration.js';
import type { Claims } from './verifyToken.js';

/** Returns the ID of the workspace that a token belongs to; null if the token names none. */
export function workspaceOf(claims: Claims, { workspace, workspaceClaim }: OidcConfiguration): string | null {
  if (workspaceClaim === null) return workspace;
  const id = claimOf(claims, workspaceClaim);
  return typeof id === 'string' && isId(id) ? id : null;
}

/** Returns the principal of a token with these claims. */
export function tokenHolderOf(
  claims: Claims,
  oidc: OidcConfiguration,
  { workspaceId, tier, roles }: { readonly workspaceId: string; readonly tier: Tier; readonly roles: Roles },
): AuthenticatedPrincipal {
  const id = idOf(claims);
  return authenticated({
    kind: 'oidc',
    keyId: id,
    familyId: id,
    workspaceId,
    projectId: null,
    userId: null,
    tier,
    keyType: 'SECRET',
    scopes: scopesOf(claims, oidc, roles),
  });
}

/**
 * Returns the valid scopes of the claim, and those of the roles. The claim can't grant `platform`, because a client requests
 * scopes and a user agrees to them, and neither may give access to other workspaces. A role of the operator can grant it.
 */
function scopesOf(claims: Claims, { scopesClaim, rolesClaim }: OidcConfiguration, roles: Roles): string[] {
  const own = textsOf(claimOf(claims, scopesClaim)).filter((scope) => scope !== PLATFORM && parseScope(scope) !== null);
  return [...new Set([...own, ...roles.scopesOf(rolesOf(claimOf(claims, rolesClaim), roles))])];
}

/**
 * Returns an ID that is the same in every process for a subject and client, because limits are counted by this ID. RFC 9068
 * defines `client_id`. Issuers that don't implement it use `azp`.
 */
function idOf({ iss, sub, client_id: clientId, azp }: Claims): string {
  const client = [clientId, azp].find((name) => typeof name === 'string') ?? null;
  // JSON, so that different values never result in the same text.
  const digest = createHash('sha256').update(JSON.stringify([iss, sub, client]));
  return `oidc_${digest.digest('hex').slice(0, 16)}`;
}

/** Returns the claim with a name or path: see {@link ClaimName}. */
function claimOf(claims: Claims, name: ClaimName): unknown {
  if (typeof name !== 'string') return at(claims, name);
  return Object.hasOwn(claims, name) ? claims[name] : at(claims, name.split('.'));
}

function at(claims: Claims, path: readonly string[]): unknown {
  let found: unknown = claims;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

/**
 * Returns the roles of a claim. A text that is the name of a role is that role. Otherwise each word of the text is a role,
 * except words that are part of a longer role name: `Data  Team`, with two spaces, doesn't give the role `Data` if there
 * is a role `Data Team`.
 */
function rolesOf(claim: unknown, roles: Roles): readonly string[] {
  if (typeof claim !== 'string') return textsOf(claim);
  const text = claim.trim();
  return roles.has(text) ? [text] : textsOf(text).filter((word) => !roles.isWordOfName(word));
}

/** Returns the values of a claim: separated by spaces (RFC 6749 section 3.3), or a list, as some issuers write it. */
function textsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((text) => text !== '');
  return Array.isArray(claim) ? claim.filter((text): text is string => typeof text === 'string') : [];
}
