import type { KeyType, Tier } from '../store/records.js';

/** Who did not say who they are. May reach @public fields alone. */
export interface AnonymousPrincipal {
  readonly kind: 'anonymous';
  readonly keyId: null;
  readonly familyId: null;
  readonly workspaceId: null;
  readonly tier: null;
  readonly keyType: null;
  readonly scopes: readonly string[];
}

/** Who holds a key, or operates the installation. */
export interface AuthenticatedPrincipal {
  readonly kind: 'key' | 'operator';
  /** The key's public id; `operator` for the operator's key. */
  readonly keyId: string;
  /** Limits are counted by family, so that a rotation does not reset them. */
  readonly familyId: string;
  readonly workspaceId: string;
  readonly tier: Tier;
  readonly keyType: KeyType;
  readonly scopes: readonly string[];
}

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
});

export function authenticated(principal: AuthenticatedPrincipal): AuthenticatedPrincipal {
  return Object.freeze({ ...principal, scopes: Object.freeze([...principal.scopes]) });
}

/** What the guard, the limits and the resolvers find in a GraphQL context. */
export interface LatchkeyContext {
  readonly principal: Principal;
}
