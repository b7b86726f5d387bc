import {
  Kind,
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type VariableDefinitionNode,
} from 'graphql';
import { fragmentsOf } from './fragments.js';
import type { Conditions } from './conditions.js';

/** Returns whether a field reads the schema. Depends on its name, not on its alias (B21). */
export function readsSchema({ name: { value: name } }: FieldNode): boolean {
  return name === '__schema' || name === '__type';
}

/**
 * Returns whether an operation reads the schema below its top level, for example through `query: Query`. Visits each
 * selection set at most twice: for the top level and for the rest (B40).
 */
export function readsSchemaBelow(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  conditions: Conditions,
): boolean {
  const fragments = fragmentsOf(document);
  const seen = { top: new Set<SelectionSetNode>(), below: new Set<SelectionSetNode>() };
  const found = (selections: SelectionSetNode | undefined, level: keyof typeof seen): boolean => {
    if (selections === undefined || seen[level].has(selections)) return false;
    seen[level].add(selections);
    return selections.selections.some((selection) => {
      if (!conditions.includes(selection)) return false;
      switch (selection.kind) {
        case Kind.FIELD:
          if (readsSchema(selection)) return level === 'below';
          return found(selection.selectionSet, 'below');
        case Kind.INLINE_FRAGMENT:
          return found(selection.selectionSet, level);
        case Kind.FRAGMENT_SPREAD:
          return found(fragments.get(selection.name.value)?.selectionSet, level);
      }
    });
  };
  return found(operation.selectionSet, 'top');
}

/**
 * Returns a document with only `__schema` and `__type` of an operation that reads the schema at its top level. Keeps
 * their fragments and conditions.
 */
export function introspectionPart(document: DocumentNode, operation: OperationDefinitionNode): DocumentNode {
  const definitions = document.definitions.flatMap((definition): DefinitionNode[] => {
    if (definition === operation) {
      const variableDefinitions = (operation.variableDefinitions ?? []).filter(servesIntrospection);
      return [{ ...operation, variableDefinitions, selectionSet: narrowed(operation.selectionSet) }];
    }
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) return [];
    return isOfIntrospection(definition)
      ? [definition]
      : [{ ...definition, selectionSet: narrowed(definition.selectionSet) }];
  });
  return { kind: Kind.DOCUMENT, definitions };
}

/** Names that begin like this are GraphQL's own, so such a fragment can only occur below `__schema` or `__type`. */
function isOfIntrospection({ typeCondition }: FragmentDefinitionNode): boolean {
  return typeCondition.name.value.startsWith('__');
}

/** The part uses no variables of other types, and the schema that it runs on may not have these types. */
function servesIntrospection({ type }: VariableDefinitionNode): boolean {
  const named = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
  return named.kind === Kind.NAMED_TYPE && ['String', 'Boolean'].includes(named.name.value);
}

function narrowed(selections: SelectionSetNode): SelectionSetNode {
  const kept = selections.selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD) return readsSchema(selection) ? [selection] : [];
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection];
    return [{ ...selection, selectionSet: narrowed(selection.selectionSet) }];
  });
  return { ...selections, selections: kept };
}
