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
 * Returns the guarded fields that each scope gives access to by itself: those that a key with only this scope can
 * reach, and a key without scopes cannot. A field that requires two scopes is not in the list of either.
 *
 * @returns by scope, in the order of the rules; the fields of the root types come first
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

/** Returns the guarded fields that can be reached from a root field through fields that the scopes give access to. */
function reached(schema: GraphQLSchema, rules: SchemaRules, held: readonly string[]): string[] {
  const coordinates: string[] = [];
  const types = new Set<GraphQLObjectType>();
  const reach = (type: GraphQLNamedType | null | undefined): void => {
    if (isObjectType(type)) types.add(type);
    if (isAbstractType(type)) schema.getPossibleTypes(type).forEach(reach);
  };
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].forEach(reach);
  // The set grows during the iteration.
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
