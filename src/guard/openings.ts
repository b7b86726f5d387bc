import {
  getNamedType,
  isAbstractType,
  isObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { isMet } from './requirement.js';
import type { SchemaRules } from './rules.js';

/**
 * What each scope of a schema opens by itself: the guarded fields that a key with this scope alone reaches, and a key
 * without any does not. A field that asks for two scopes at once is opened by neither.
 *
 * @returns by scope, in the order of the rules; coordinates with those of the root types first
 */
export function openings(schema: GraphQLSchema, rules: SchemaRules): ReadonlyMap<string, readonly string[]> {
  const withoutAny = new Set(reached(schema, rules, []));
  return new Map(
    rules.scopes.map((scope) => [
      scope,
      reached(schema, rules, [scope]).filter((coordinate) => !withoutAny.has(coordinate)),
    ]),
  );
}

/** The guarded fields that lie on some way from a root field, each step of which the scopes held allow. */
function reached(schema: GraphQLSchema, rules: SchemaRules, held: readonly string[]): string[] {
  const coordinates: string[] = [];
  const types = new Set<GraphQLObjectType>();
  const reach = (type: GraphQLNamedType | null | undefined): void => {
    if (isObjectType(type)) types.add(type);
    if (isAbstractType(type)) schema.getPossibleTypes(type).forEach(reach);
  };
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].forEach(reach);
  // The set grows while it is walked.
  for (const type of types) {
    for (const field of Object.values(type.getFields())) {
      const rule = rules.fields.get(type.name)?.get(field.name);
      if (rule !== undefined) {
        if (!isMet(rule.requirement, held)) continue;
        coordinates.push(rule.coordinate);
      }
      reach(getNamedType(field.type));
    }
  }
  return coordinates;
}
