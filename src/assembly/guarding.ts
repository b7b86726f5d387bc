import { isSchema, type DocumentNode, type GraphQLSchema } from 'graphql';
import { ANONYMOUS, type LatchkeyContext } from '../core/auth/principal.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import { DEFAULT_LIST_SIZE } from '../core/guard/cost/operationCost.js';
import { costsOf } from '../core/guard/cost/schemaCosts.js';
import { guardWith } from '../core/guard/guard.js';
import { openings } from '../core/guard/openings.js';
import type { SchemaRegistry } from '../core/guard/schemaRegistry.js';
import { FirstUse, WITHOUT_PLUGIN } from '../core/guard/served.js';
import type { TierTable } from '../core/limits/tiers.js';
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
  const { actions, rootFields, cost = 'enforce' } = options;
  const rules = { answer, ...(actions !== undefined && { actions }), ...(rootFields !== undefined && { rootFields }) };
  return (schema, given = {}) => {
    checkOptions('guard', guardSchemaOptions, given);
    if (isSchema(schema)) {
      assertUnmerged(schema, typeDefs);
      assertResolved(schema, resolvers);
    }
    const guarded = guardWith(schema, rules, new FirstUse(given.plugin === false ? null : warnWithoutPlugin(log)));
    if (cost === 'measure' || (cost === 'enforce' && hasCostLimits(tiers.table))) warnOfLists(schema, log);
    schemas.add(schema);
    tiers.watch(schema);
    knownScopes.add(guarded.scopes, () => openings(schema, guarded));
    return schema;
  };
}

/** A problem of a schema that is served nevertheless. */
export class SchemaWarning extends Error {
  override readonly name = 'SchemaWarning';
}

/** The number of lists that a warning names. */
const NAMED_LISTS = 10;

function hasCostLimits(table: TierTable): boolean {
  return Object.values(table).some(({ cost }) => cost !== null);
}

/** Warns of lists whose entries cost something, and whose size is unknown, in a schema with cost directives. */
function warnOfLists(schema: GraphQLSchema, log: LatchkeyOptions['log']): void {
  const { isDeclared, unsized } = costsOf(schema);
  if (!isDeclared || unsized.length === 0) return;
  const named = unsized.slice(0, NAMED_LISTS).join(', ');
  const more = unsized.length > NAMED_LISTS ? ` and ${unsized.length - NAMED_LISTS} more` : '';
  warn(
    `The size of these lists is unknown, so that the cost of operations assumes ${DEFAULT_LIST_SIZE} entries: ${named}${more}. Add @listSize to them.`,
    { principal: ANONYMOUS },
    log,
  );
}

function warnWithoutPlugin(log: LatchkeyOptions['log']): (context: unknown) => void {
  return (context) => warn(WITHOUT_PLUGIN, context as LatchkeyContext, log);
}

function warn(text: string, context: LatchkeyContext, log: LatchkeyOptions['log']): void {
  // Without the plugin, there is no server whose logger could be used.
  // oxlint-disable-next-line no-console
  if (log === undefined) console.warn(text);
  else log(new SchemaWarning(text), context);
}
