import { grants, PLATFORM, requireScope } from '../scopes/grammar.js';
import type { KeyType, Tier } from '../store/records.js';

/** Who holds a key, or operates the installation: what the guard, the limits, the services and resolvers know of them. */
export interface Actor {
  readonly kind: 'key' | 'operator';
  /** The key's public id; `operator` for the operator's key. */
  readonly keyId: string;
  /** Limits are counted by family, so that a rotation does not reset them. */
  readonly familyId: string;
  readonly workspaceId: string;
  readonly tier: Tier;
  readonly keyType: KeyType;
  readonly scopes: readonly string[];
  /** SHA-256 of the documents that the key is bound to, in lower-case hexadecimal; null: it runs any. */
  readonly trustedDocuments: ReadonlySet<string> | null;
}

/** The context of guarded resolvers: behind their guard, the principal is somebody. */
export interface ActorContext {
  readonly principal: Actor;
}

const PLATFORM_SCOPE = requireScope(PLATFORM);

/** Does the actor reach every workspace? */
export function isPlatform(actor: Pick<Actor, 'scopes'>): boolean {
  return grants(actor.scopes, PLATFORM_SCOPE);
}
