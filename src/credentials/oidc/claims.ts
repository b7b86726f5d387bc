import { createHash } from 'node:crypto';
import { isId } from '../../keys/input.js';
import { parseScope, PLATFORM } from '../../scopes/grammar.js';
import type { Roles } from '../../scopes/roles.js';
import type { Tier } from '../../store/records.js';
import { authenticated, type AuthenticatedPrincipal } from '../principal.js';
import type { ClaimName, OidcConfiguration } from './configuration.js';
import type { Claims } from './verify.js';

/** The workspace that a token belongs to; null: it names none. */
export function workspaceOf(claims: Claims, { workspace, workspaceClaim }: OidcConfiguration): string | null {
  if (workspaceClaim === null) return workspace;
  const id = claimOf(claims, workspaceClaim);
  return typeof id === 'string' && isId(id) ? id : null;
}

/** Who sends a token with these claims. */
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
 * The scopes of the claim, as far as they are ours, and those of the roles. Not `platform` by its name: what a client asked
 * an issuer for, and somebody agreed to, must not reach other workspaces. A role that the operator defined may hold it.
 */
function scopesOf(claims: Claims, { scopesClaim, rolesClaim }: OidcConfiguration, roles: Roles): string[] {
  const own = textsOf(claimOf(claims, scopesClaim)).filter((scope) => scope !== PLATFORM && parseScope(scope) !== null);
  return [...new Set([...own, ...roles.scopesOf(rolesOf(claimOf(claims, rolesClaim), roles))])];
}

/**
 * The same for the same subject through the same client, in each process and after each restart: its limits go by it.
 * `client_id` is RFC 9068's; issuers that do not know that say `azp`.
 */
function idOf({ iss, sub, client_id: clientId, azp }: Claims): string {
  const client = [clientId, azp].find((name) => typeof name === 'string') ?? null;
  // As JSON, so that no two of them run together into the same text.
  const digest = createHash('sha256').update(JSON.stringify([iss, sub, client]));
  return `oidc_${digest.digest('hex').slice(0, 16)}`;
}

/** The claim of that name: see {@link ClaimName}. */
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
 * A text that is the name of a role is that one role. The words of any other text are roles, without those that are part of
 * a longer name: `Data  Team`, with two spaces, doesn't give the role `Data` where there is also a role `Data Team`.
 */
function rolesOf(claim: unknown, roles: Roles): readonly string[] {
  if (typeof claim !== 'string') return textsOf(claim);
  const text = claim.trim();
  return roles.has(text) ? [text] : textsOf(text).filter((word) => !roles.isWordOfName(word));
}

/** RFC 6749 section 3.3: separated by spaces. Some issuers write a list. */
function textsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((text) => text !== '');
  return Array.isArray(claim) ? claim.filter((text): text is string => typeof text === 'string') : [];
}
