import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { rulesOf } from '../guard/guard.js';
import { openings } from '../guard/openings.js';
import { isPlatform, type ActorContext } from '../keys/actor.js';
import type { Ceilings } from '../scopes/ceilings.js';
import { missingOf, PLATFORM } from '../scopes/grammar.js';
import { KEY_TYPES, type KeyType } from '../store/records.js';

export interface ScopeResolverOptions {
  /** Returns the scopes that keys of each type can currently have. */
  readonly ceilings: () => Ceilings;
}

interface Listed {
  readonly scope: string;
  readonly opens: readonly string[];
}

/** Resolvers of scopes: what a key can be given, read off the schema that is served. */
export function scopeResolvers({ ceilings }: ScopeResolverOptions) {
  const known = new WeakMap<GraphQLSchema, readonly Listed[]>();
  const listed = (schema: GraphQLSchema): readonly Listed[] => {
    let list = known.get(schema);
    if (list === undefined) {
      list = [...openings(schema, rulesOf(schema))].map(([scope, opens]) => ({ scope, opens }));
      known.set(schema, list);
    }
    return list;
  };

  return {
    Query: {
      scopes: (_: unknown, _arguments: unknown, _context: ActorContext, { schema }: GraphQLResolveInfo) =>
        listed(schema),
    },
    ScopeListing: {
      types: ({ scope }: Listed): KeyType[] => KEY_TYPES.filter((type) => ceilings().admits(type, scope)),
      /** As the creation of a key judges it. */
      grantable: ({ scope }: Listed, _: unknown, { principal }: ActorContext): boolean => {
        if (principal.keyType !== 'SECRET') return false;
        return scope === PLATFORM ? isPlatform(principal) : missingOf(principal.scopes, [scope]).length === 0;
      },
    },
  };
}
