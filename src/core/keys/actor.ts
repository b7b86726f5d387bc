import { grants, PLATFORM, requireScope } from '../scopes/grammar.js';
import type { KeyOverrides } from '../limits/overrides.js';
import type { Author } from '../store/audit.js';
import type { KeyType, Tier } from '../store/records.js';

/** An authenticated caller, as the guard, limits, services and resolvers see it. */
export interface Actor {
  readonly kind: 'key' | 'configured' | 'oidc' | 'operator';
  /** The public ID: `key_…`, `conf_…` for a configured key, `oidc_…` for the subject of an access token, or `operator`. */
  readonly keyId: string;
  /** Limits are counted by family, so that a rotation does not reset them. */
  readonly familyId: string;
  readonly workspaceId: string;
  /** The project that the credential is restricted to; null if it can access the whole workspace. */
  readonly projectId: string | null;
  /** The user who owns the key; null if the workspace owns it. */
  readonly userId: string | null;
  readonly tier: Tier;
  readonly keyType: KeyType;
  /** Granted scopes. For a user's key, those that both the key's scopes and the user's roles grant. */
  readonly scopes: readonly string[];
  /** SHA-256 of the documents that the key can run, in lower-case hexadecimal; null for any document. */
  readonly trustedDocuments: ReadonlySet<string> | null;
  /** The external ID of the key's owner, of the key or of its user. Absent if it has none. */
  readonly externalId?: string;
  /** The overrides of its limits. Absent if there are none. */
  readonly overrides?: KeyOverrides;
  /** The `jti` of a token that was derived from the key; absent if the credential is the key itself. */
  readonly tokenId?: string;
}

/** The origin of a request, for the audit log. */
export interface Origin {
  /** The client's address, read from proxy headers only if the proxy is trusted; null if unknown. */
  readonly address: string | null;
  readonly userAgent: string | null;
}

const UNKNOWN_ORIGIN: Origin = Object.freeze({ address: null, userAgent: null });

/** The context of guarded resolvers. The guard has rejected anonymous requests, so there always is a principal. */
export interface ActorContext {
  readonly principal: Actor;
  readonly origin?: Origin;
}

/** Returns the author of a change, for its audit entry. */
export function authorOf({ kind, keyId }: Actor, origin: Origin = UNKNOWN_ORIGIN): Author {
  return { kind, id: keyId, address: origin.address, userAgent: origin.userAgent };
}

const PLATFORM_SCOPE = requireScope(PLATFORM);

/** Returns whether the actor can access every workspace. */
export function isPlatform(actor: Pick<Actor, 'scopes' | 'projectId'>): boolean {
  return actor.projectId === null && grants(actor.scopes, PLATFORM_SCOPE);
}
