import {
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { isMet } from './requirement.js';
import type { Rule, SchemaRules } from './rules.js';

type Input = GraphQLArgument | GraphQLInputField;

/**
 * Returns the guarded fields, arguments and input fields that each scope gives access to by itself: those that a key with only this scope can
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

/**
 * Returns the guarded fields, arguments and input fields that can be reached from a root field through those that the
 * scopes give access to.
 */
function reached(schema: GraphQLSchema, rules: SchemaRules, held: readonly string[]): string[] {
  const coordinates: string[] = [];
  const types = new Set<GraphQLObjectType>();
  const inputs = new Set<GraphQLInputObjectType>();
  const take = (parts: readonly Input[], ofParts: ReadonlyMap<string, Rule> | undefined): void => {
    for (const { name, type } of parts) {
      const rule = ofParts?.get(name);
      if (rule !== undefined) {
        if (!isMet(rule.requirement, held)) continue;
        coordinates.push(rule.coordinate);
      }
      const named = getNamedType(type);
      if (isInputObjectType(named)) inputs.add(named);
    }
  };
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
      take(field.args, rules.arguments.get(`${type.name}.${field.name}`));
      reach(getNamedType(field.type));
    }
  }
  for (const type of inputs) take(Object.values(type.getFields()), rules.inputs.get(type.name));
  return coordinates;
}
