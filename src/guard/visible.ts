import {
  getNamedType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  isUnionType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { Rule, SchemaRules } from './rules.js';

/** The names of the fields that a caller sees, by type. Object types and interfaces of which they see nothing are not there. */
export type Visible = ReadonlyMap<string, ReadonlySet<string>>;

type WithFields = GraphQLObjectType | GraphQLInterfaceType;

/**
 * The fields that may be selected where some rules are met: of an object type those whose rule is, of an interface those
 * that every type which it stands for allows (B02). A field goes with its type where nothing of that is left to see.
 *
 * What is hidden only ever hides more, so that the order in which it is found makes no difference.
 */
export function visibleFields(schema: GraphQLSchema, rules: SchemaRules, meets: (rule: Rule) => boolean): Visible {
  const types = Object.values(schema.getTypeMap()).filter(hasFields);
  const visible = new Map<string, Set<string>>();
  const allows = (type: GraphQLObjectType, field: string): boolean => {
    const rule = rules.fields.get(type.name)?.get(field);
    return rule === undefined || meets(rule);
  };
  for (const type of types) {
    const objects = isObjectType(type) ? [type] : schema.getPossibleTypes(type);
    const names = Object.keys(type.getFields()).filter((name) => objects.every((object) => allows(object, name)));
    if (names.length > 0) visible.set(type.name, new Set(names));
  }

  const remains = (type: WithFields, name: string): boolean => {
    const field = type.getFields()[name];
    if (field === undefined || !isSeen(schema, visible, getNamedType(field.type))) return false;
    if (isObjectType(type)) return true;
    // An interface promises its fields of every type that implements it, or the schema is none.
    const { objects, interfaces } = schema.getImplementations(type);
    return [...objects, ...interfaces].every((one) => visible.get(one.name)?.has(name) === true);
  };
  for (let hidden = true; hidden;) {
    hidden = false;
    for (const type of types) {
      const names = visible.get(type.name);
      for (const name of names ?? []) {
        if (remains(type, name)) continue;
        hidden = true;
        names?.delete(name);
        if (names?.size === 0) visible.delete(type.name);
      }
    }
  }
  return visible;
}

/** Is there anything of the type to see? */
export function isSeen(schema: GraphQLSchema, visible: Visible, type: GraphQLNamedType): boolean {
  if (isUnionType(type)) return schema.getPossibleTypes(type).some(({ name }) => visible.has(name));
  return isLeafType(type) || visible.has(type.name);
}

function hasFields(type: GraphQLNamedType): type is WithFields {
  return (isObjectType(type) || isInterfaceType(type)) && !isIntrospectionType(type);
}
