import type { Actor, Origin } from '../keys/actor.js';
import type { ConfiguredRecord } from '../keys/configured.js';
import { meet } from '../scopes/meet.js';
import type { Roles } from '../scopes/roles.js';
import type { Tier } from '../store/records.js';
import type { KeyWithTier } from '../store/store.js';

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
  readonly trustedDocuments: null;
  /** Whose window its requests are counted in; absent: the caller's address is not known, and there is none. */
  readonly network?: string;
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

/**
 * Who holds a key of that record. Its state is for whoever lets it in to judge.
 * @param roles what those of a user's stand for: the key does what both its scopes and they allow
 */
export function holderOf({ key, tier, user }: KeyWithTier, roles: Roles): AuthenticatedPrincipal {
  return authenticated({
    kind: 'key',
    keyId: key.id,
    familyId: key.familyId,
    workspaceId: key.workspaceId,
    projectId: key.projectId,
    userId: key.userId,
    tier,
    keyType: key.type,
    scopes: key.userId === null ? key.scopes : meet(key.scopes, roles.scopesOf(user?.roles ?? [])),
    trustedDocuments: key.trustedDocuments && new Set(key.trustedDocuments),
  });
}

/** Does the key belong to somebody who has left? */
export function hasLeft({ key, user }: Pick<KeyWithTier, 'key' | 'user'>): boolean {
  return key.userId !== null && user?.removedAt !== null;
}

/** Who holds a key that stands in the configuration. */
export function configuredHolderOf(key: ConfiguredRecord, tier: Tier): AuthenticatedPrincipal {
  const { id, familyId, workspaceId, type, scopes } = key;
  return authenticated({
    kind: 'configured',
    keyId: id,
    familyId,
    workspaceId,
    projectId: null,
    userId: null,
    tier,
    keyType: type,
    scopes,
  });
}

/** What the guard, the limits and the resolvers find in a GraphQL context. */
export interface LatchkeyContext {
  readonly principal: Principal;
  /** Was one request counted as it arrived? Default: no, and the plugin counts it. */
  readonly counted?: boolean;
  /** For the audit log. Default: unknown. */
  readonly origin?: Origin;
}
