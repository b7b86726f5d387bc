import { isSchema, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { LatchkeyContext } from '../core/auth/principal.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import { assertGuarded, guardWith } from '../core/guard/guard.js';
import { openings } from '../core/guard/openings.js';
import type { SchemaRegistry } from '../core/guard/schemaRegistry.js';
import { FirstUse, WITHOUT_PLUGIN } from '../core/guard/served.js';
import type { KnownScopes } from '../core/keys/knownScopes.js';
import { checkOptions } from '../core/util/checkOptions.js';
import { assertUnmerged } from '../management/schema/mergedTypes.js';
import { assertResolved } from '../management/schema/unresolved.js';
import type { Foundation } from './foundation.js';
import { guardSchemaOptions, type LatchkeyOptions } from './latchkeyOptions.js';

interface GuardingOptions {
  readonly answer: AnswerLimits;
  /** The definitions of the administration API. */
  readonly typeDefs: DocumentNode;
  /** The resolvers that the schema must have. */
  readonly resolvers: Readonly<Record<string, object>>;
  /** Receives the scopes of the guarded schemas. */
  readonly knownScopes: Pick<KnownScopes, 'add'>;
  /** Receives the guarded schemas. */
  readonly schemas: SchemaRegistry;
}

/** Returns the function that guards a schema in place. */
export function guardOf(
  { options, log, tiers }: Foundation,
  { answer, typeDefs, resolvers, knownScopes, schemas }: GuardingOptions,
): (schema: GraphQLSchema, given?: { readonly plugin?: boolean }) => GraphQLSchema {
  const { actions, rootFields } = options;
  const rules = { answer, ...(actions !== undefined && { actions }), ...(rootFields !== undefined && { rootFields }) };
  return (schema, given = {}) => {
    checkOptions('guard', guardSchemaOptions, given);
    if (isSchema(schema)) {
      assertUnmerged(schema, typeDefs);
      assertResolved(schema, resolvers);
    }
    guardWith(schema, rules, new FirstUse(given.plugin === false ? null : warnWithoutPlugin(log)));
    const guarded = assertGuarded(schema);
    schemas.add(schema);
    tiers.watch(schema);
    knownScopes.add(guarded.scopes, () => openings(schema, guarded));
    return schema;
  };
}

function warnWithoutPlugin(log: LatchkeyOptions['log']): (context: unknown) => void {
  return (context) => {
    // Without the plugin, there is no server whose logger could be used.
    // oxlint-disable-next-line no-console
    if (log === undefined) console.warn(WITHOUT_PLUGIN);
    else log(new Error(WITHOUT_PLUGIN), context as LatchkeyContext);
  };
}
