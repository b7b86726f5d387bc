import { grants, PLATFORM, requireScope } from '../scopes/grammar.js';
import type { KeyType, Tier } from '../store/records.js';

/** Who acts, as the services and resolvers need to know them. An authenticated principal is one. */
export interface Actor {
  readonly kind: 'key' | 'operator';
  readonly keyId: string;
  readonly familyId: string;
  readonly workspaceId: string;
  readonly tier: Tier;
  readonly keyType: KeyType;
  readonly scopes: readonly string[];
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
