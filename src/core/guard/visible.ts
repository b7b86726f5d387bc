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
import { HiddenInputs } from './inputs/hiddenInputs.js';
import type { Rule, SchemaRules } from './rules.js';

/** The part of a schema that a caller has access to. */
export interface Visible {
  /** The names of the visible fields, by type. Types without such fields are not included. */
  readonly fields: VisibleFields;
  readonly inputs: HiddenInputs;
}

type VisibleFields = ReadonlyMap<string, ReadonlySet<string>>;

type WithFields = GraphQLObjectType | GraphQLInterfaceType;

/**
 * Returns the fields that can be selected if some rules are met. A field of an object type is visible if its rule is
 * met, one of an interface if the rules of all its types are (B02). A field is also hidden if its type has no visible
 * field, or if it requires an argument that is hidden.
 * Hiding a field can only hide more fields, so the order does not matter.
 */
export function visibleParts(schema: GraphQLSchema, rules: SchemaRules, meets: (rule: Rule) => boolean): Visible {
  const inputs = new HiddenInputs(schema, rules, meets);
  const types = Object.values(schema.getTypeMap()).filter(hasFields);
  const visible = new Map<string, Set<string>>();
  const allows = (type: GraphQLObjectType, field: string): boolean => {
    const rule = rules.fields.get(type.name)?.get(field);
    return (rule === undefined || meets(rule)) && !inputs.hidesField(type, field);
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
    // Every type that implements an interface must have its fields, or the schema is invalid.
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
  return { fields: visible, inputs };
}

/** Returns whether the type has visible fields. */
export function isSeen(schema: GraphQLSchema, visible: VisibleFields, type: GraphQLNamedType): boolean {
  if (isUnionType(type)) return schema.getPossibleTypes(type).some(({ name }) => visible.has(name));
  return isLeafType(type) || visible.has(type.name);
}

function hasFields(type: GraphQLNamedType): type is WithFields {
  return (isObjectType(type) || isInterfaceType(type)) && !isIntrospectionType(type);
}
