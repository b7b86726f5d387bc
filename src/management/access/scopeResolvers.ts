import { isPlatform, type ActorContext } from '../../core/keys/actor.js';
import type { KnownScopes } from '../../core/keys/knownScopes.js';
import type { Ceilings } from '../../core/scopes/ceilings.js';
import { missingOf, PLATFORM } from '../../core/scopes/grammar.js';
import { KEY_TYPES, type KeyType, type PublishedScope } from '../../core/store/records.js';

interface ScopeResolverOptions {
  readonly knownScopes: Pick<KnownScopes, 'list'>;
  /** Returns the scopes that keys of each type can currently have. */
  readonly ceilings: () => Ceilings;
}

/**
 * Resolvers of scopes: the scopes that a key can have, from the guarded schemas of all processes on the store and from
 * other endpoints.
 */
export function scopeResolvers({ knownScopes, ceilings }: ScopeResolverOptions) {
  return {
    Query: {
      scopes: () => knownScopes.list(),
    },
    ScopeListing: {
      types: ({ scope }: PublishedScope): KeyType[] => KEY_TYPES.filter((type) => ceilings().admits(type, scope)),
      /** The same check as at the creation of a key. */
      grantable: ({ scope }: PublishedScope, _: unknown, { principal }: ActorContext): boolean => {
        if (principal.keyType !== 'SECRET') return false;
        return scope === PLATFORM ? isPlatform(principal) : missingOf(principal.scopes, [scope]).length === 0;
      },
    },
  };
}
