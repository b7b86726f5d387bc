import type { Actor } from '../keys/actor.js';
import type { KeyRecord, Tier } from '../store/records.js';

/** Who did not say who they are. May reach @public fields alone. */
export interface AnonymousPrincipal {
  readonly kind: 'anonymous';
  readonly keyId: null;
  readonly familyId: null;
  readonly workspaceId: null;
  readonly tier: null;
  readonly keyType: null;
  readonly scopes: readonly string[];
  readonly trustedDocuments: null;
}

/** Who holds a key, or operates the installation. */
export type AuthenticatedPrincipal = Actor;

/** Who is asking: frozen, so that nothing behind the door can change the verdict. */
export type Principal = AnonymousPrincipal | AuthenticatedPrincipal;

export const ANONYMOUS: AnonymousPrincipal = Object.freeze({
  kind: 'anonymous',
  keyId: null,
  familyId: null,
  workspaceId: null,
  tier: null,
  keyType: null,
  scopes: Object.freeze([]),
  trustedDocuments: null,
});

type Unbound = Omit<AuthenticatedPrincipal, 'trustedDocuments'>;

/** @param principal without `trustedDocuments` it is bound to none */
export function authenticated(
  principal: Unbound & Partial<Pick<AuthenticatedPrincipal, 'trustedDocuments'>>,
): AuthenticatedPrincipal {
  const { scopes, trustedDocuments = null } = principal;
  return Object.freeze({ ...principal, scopes: Object.freeze([...scopes]), trustedDocuments });
}

/** Who holds a key of that record, in a workspace of that tier. Its state is for whoever lets it in to judge. */
export function holderOf(key: KeyRecord, tier: Tier): AuthenticatedPrincipal {
  return authenticated({
    kind: 'key',
    keyId: key.id,
    familyId: key.familyId,
    workspaceId: key.workspaceId,
    tier,
    keyType: key.type,
    scopes: key.scopes,
  });
}

/** What the guard, the limits and the resolvers find in a GraphQL context. */
export interface LatchkeyContext {
  readonly principal: Principal;
}
