import type { Actor, Origin } from '../keys/actor.js';
import type { ConfiguredRecord } from '../keys/configured.js';
import { KeyOverrides } from '../limits/overrides.js';
import { meet } from '../scopes/meet.js';
import type { Roles } from '../scopes/roles.js';
import type { Tier } from '../store/records.js';
import type { KeyWithTier } from '../store/keyStore.js';

/** A caller without a credential. Only @public fields are accessible. */
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
  /** The network under which its requests are counted; undefined if the address is unknown, so they are not counted. */
  readonly network?: string;
}

/** A caller with a valid credential. */
export type AuthenticatedPrincipal = Actor;

/**
 * The caller of a request. It is frozen, so that no later code can extend its permissions.
 *
 * @example
 * ```ts
 * import type { Principal } from 'latchkey';
 *
 * export const nameOf = (principal: Principal): string =>
 *   principal.kind === 'anonymous' ? 'a caller without a key' : principal.keyId;
 * ```
 */
export type Principal = AnonymousPrincipal | AuthenticatedPrincipal;

/**
 * The principal of a caller without a credential and without a known address.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, type LatchkeyContext } from 'latchkey';
 *
 * export const context: LatchkeyContext = { principal: ANONYMOUS };
 * ```
 */
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

/** Returns a frozen principal. @param principal without `trustedDocuments`, it can run any document */
export function authenticated(
  principal: Unbound & Partial<Pick<AuthenticatedPrincipal, 'trustedDocuments'>>,
): AuthenticatedPrincipal {
  const { scopes, trustedDocuments = null } = principal;
  return Object.freeze({ ...principal, scopes: Object.freeze([...scopes]), trustedDocuments });
}

/**
 * Returns the principal of a stored key. Does not check the key's state.
 * @param roles resolves the roles of the key's user: the key can only do what both its scopes and these roles allow
 * @param now the clock at which overrides end
 */
export function holderOf(
  { key, tier, user, overrides = [] }: KeyWithTier,
  roles: Roles,
  now: () => number,
): AuthenticatedPrincipal {
  const externalId = key.externalId ?? user?.externalId ?? null;
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
    ...(externalId !== null && { externalId }),
    ...(overrides.length > 0 && { overrides: new KeyOverrides(overrides, now) }),
  });
}

/** Returns whether the user who owns the key was removed. */
export function hasLeft({ key, user }: Pick<KeyWithTier, 'key' | 'user'>): boolean {
  return key.userId !== null && user?.removedAt !== null;
}

/** Returns the principal of a configured key. */
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

/**
 * The part of a GraphQL context that the guard, the limits and the resolvers use.
 *
 * @example
 * ```ts
 * import type { LatchkeyContext } from 'latchkey';
 *
 * export const orders = (_parent: unknown, _args: object, { principal }: LatchkeyContext): string[] =>
 *   principal.workspaceId === null ? [] : [`orders of ${principal.workspaceId}`];
 * ```
 */
export interface LatchkeyContext {
  readonly principal: Principal;
  /** Whether the request was counted when it arrived. Default: false, so the plugin counts it. */
  readonly counted?: boolean;
  /** The client's address and user agent, for the audit log. Default: unknown. */
  readonly origin?: Origin;
  /** Whether the response has the cost of the operation: the request has `Latchkey-Cost: report`. Default: no. */
  readonly reportsCost?: boolean;
}
