import { grants, PLATFORM, requireScope } from '../scopes/grammar.js';
import type { Author } from '../store/audit.js';
import type { KeyType, Tier } from '../store/records.js';

/** Who holds a key, or operates the installation: what the guard, the limits, the services and resolvers know of them. */
export interface Actor {
  readonly kind: 'key' | 'configured' | 'oidc' | 'operator';
  /** The key's public id, `conf_…` of a configured one; `oidc_…` of an access token's subject; `operator` for the operator's key. */
  readonly keyId: string;
  /** Limits are counted by family, so that a rotation does not reset them. */
  readonly familyId: string;
  readonly workspaceId: string;
  /** The project that it is bound to; null: it reaches all of the workspace. */
  readonly projectId: string | null;
  /** To whom the key belongs; null: to the workspace. */
  readonly userId: string | null;
  readonly tier: Tier;
  readonly keyType: KeyType;
  /** What it may do: of a user's key what its own scopes and the user's roles both allow. */
  readonly scopes: readonly string[];
  /** SHA-256 of the documents that the key is bound to, in lower-case hexadecimal; null: it runs any. */
  readonly trustedDocuments: ReadonlySet<string> | null;
}

/** Where a request comes from, for the audit log. */
export interface Origin {
  /** Under the rules for proxies; null: unknown. */
  readonly address: string | null;
  readonly userAgent: string | null;
}

const UNKNOWN_ORIGIN: Origin = Object.freeze({ address: null, userAgent: null });

/** The context of guarded resolvers: behind their guard, the principal is somebody. */
export interface ActorContext {
  readonly principal: Actor;
  readonly origin?: Origin;
}

/** Who makes a change, for its entry in the audit log. */
export function authorOf({ kind, keyId }: Actor, origin: Origin = UNKNOWN_ORIGIN): Author {
  return { kind, id: keyId, address: origin.address, userAgent: origin.userAgent };
}

const PLATFORM_SCOPE = requireScope(PLATFORM);

/** Does the actor reach every workspace? */
export function isPlatform(actor: Pick<Actor, 'scopes' | 'projectId'>): boolean {
  return actor.projectId === null && grants(actor.scopes, PLATFORM_SCOPE);
}
