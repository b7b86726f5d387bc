import type { Actor, Origin } from '../keys/actor.js';

/** Who did not say who they are. May reach @public fields alone. */
export interface AnonymousPrincipal {
  readonly kind: 'anonymous';
  readonly keyId: null;
  readonly familyId: null;
  readonly workspaceId: null;
  readonly projectId: null;
  readonly userId: null;
  readonly tier: null;
  readonly keyType: null;
  readonly scopes: readonly string[];
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
  projectId: null,
  userId: null,
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
  /** For the audit log. Default: unknown. */
  readonly origin?: Origin;
}
