import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { rulesOf } from '../../core/guard/guard.js';
import { openings } from '../../core/guard/openings.js';
import { isPlatform, type ActorContext } from '../../core/keys/actor.js';
import type { Ceilings } from '../../core/scopes/ceilings.js';
import { ENDPOINT_SCOPES } from '../../core/scopes/endpointScopes.js';
import { missingOf, PLATFORM } from '../../core/scopes/grammar.js';
import { KEY_TYPES, type KeyType } from '../../core/store/records.js';

interface ScopeResolverOptions {
  /** Returns the scopes that keys of each type can currently have. */
  readonly ceilings: () => Ceilings;
}

interface Listed {
  readonly scope: string;
  readonly opens: readonly string[];
}

/** Resolvers of scopes: the scopes that a key can have, from the served schema and other endpoints. */
export function scopeResolvers({ ceilings }: ScopeResolverOptions) {
  const known = new WeakMap<GraphQLSchema, readonly Listed[]>();
  const listed = (schema: GraphQLSchema): readonly Listed[] => {
    let list = known.get(schema);
    if (list === undefined) {
      const opened = openings(schema, rulesOf(schema));
      const names = new Set([...opened.keys(), ...ENDPOINT_SCOPES]);
      list = [...names].sort().map((scope) => ({ scope, opens: opened.get(scope) ?? [] }));
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
      /** The same check as at the creation of a key. */
      grantable: ({ scope }: Listed, _: unknown, { principal }: ActorContext): boolean => {
        if (principal.keyType !== 'SECRET') return false;
        return scope === PLATFORM ? isPlatform(principal) : missingOf(principal.scopes, [scope]).length === 0;
      },
    },
  };
}
