import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { rulesOf } from '../../core/guard/guard.js';
import type { SchemaRegistry } from '../../core/guard/schemaRegistry.js';
import type { SchemaRules } from '../../core/guard/rules.js';
import { suggestionFor, type Suggestion } from '../../core/guard/suggestion.js';
import type { ActorContext } from '../../core/keys/actor.js';
import type { KnownScopes } from '../../core/keys/knownScopes.js';
import type { KeyService } from '../../core/keys/keyService.js';
import { badInput } from '../../core/errors/refusal.js';
import { DAY, FIELDS_KEPT, startOf } from '../../core/store/periods.js';
import type { FieldUse } from '../../core/store/records.js';
import type { UsageStore } from '../../core/store/usageStore.js';

interface SuggestionResolverOptions {
  /** The schemas whose fields a key can have used. */
  readonly schemas: Pick<SchemaRegistry, 'besides'>;
  /** Scopes of schemas that only other processes know are never unneeded. */
  readonly knownScopes: Pick<KnownScopes, 'onlyElsewhere'>;
  readonly keys: Pick<KeyService, 'findMany'>;
  readonly usage: Pick<UsageStore, 'fields'>;
  readonly now: () => number;
}

interface SuggestArguments {
  readonly keyId: string;
  readonly days?: number | null;
}

interface Suggested extends Suggestion<FieldUse> {
  /** In ms since the epoch, like all times here. */
  readonly from: number;
  readonly to: number;
  readonly createdAt: number | null;
}

const MAX_DAYS = FIELDS_KEPT / DAY;
const USUAL_DAYS = 30;

/** The maximum number of fields that are listed for a scope. */
const MAX_FIELDS = 100;

/** Resolvers of suggestScopes. It reads the recorded usage of the key, and changes nothing. */
export function suggestionResolvers({ schemas, knownScopes, keys, usage, now }: SuggestionResolverOptions) {
  const known = new WeakMap<GraphQLSchema, SchemaRules>();
  const rulesFor = (schema: GraphQLSchema): SchemaRules => {
    let rules = known.get(schema);
    if (rules === undefined) known.set(schema, (rules = rulesOf(schema)));
    return rules;
  };

  return {
    Query: {
      suggestScopes: async (
        _: unknown,
        { keyId, days: asked }: SuggestArguments,
        { principal }: ActorContext,
        { schema }: GraphQLResolveInfo,
      ): Promise<Suggested | null> => {
        const days = asked ?? USUAL_DAYS;
        if (days < 1 || days > MAX_DAYS) {
          throw badInput(
            ['days'],
            `Suggestions cover the last 1 to ${MAX_DAYS} days. Set days to a number in this range.`,
          );
        }
        const key = (await keys.findMany(principal, [keyId])).get(keyId);
        if (key === undefined) return null;
        const to = now();
        const today = startOf(to, 'DAY');
        const from = today - (days - 1) * DAY;
        const used = await usage.fields(key.id, from, today + DAY);
        const { createdAt, scopes } = key;
        const suggestion = suggestionFor(schemas.besides(schema).map(rulesFor), used, scopes);
        const elsewhere = await knownScopes.onlyElsewhere(scopes);
        const unneeded = suggestion.unneeded.filter((scope) => !elsewhere.includes(scope));
        return { ...suggestion, unneeded, from, to, createdAt };
      },
    },
    ScopeSuggestion: {
      younger: ({ createdAt, from }: Suggested) => createdAt && createdAt > from,
      nothingUsed: ({ guarded }: Suggested) => guarded.length === 0,
      firstUse: ({ guarded }: Suggested) =>
        guarded.length === 0 ? null : Math.min(...guarded.map(({ first }) => first)),
    },
    SuggestedScope: {
      fields: ({ fields }: { readonly fields: readonly FieldUse[] }) =>
        fields.toSorted((a, b) => b.count - a.count).slice(0, MAX_FIELDS),
    },
    UsedField: {
      lastUse: ({ last }: FieldUse) => last,
    },
  };
}
