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

/** Does the field read the schema? By its name, whatever its alias (B21). */
export function readsSchema({ name: { value: name } }: FieldNode): boolean {
  return name === '__schema' || name === '__type';
}

/**
 * Does the operation read the schema anywhere but at its top, as through `query: Query`? One walk, each selection set
 * entered once for the top and once for below (B40).
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
 * Of an operation that reads the schema at its top alone, just that: `__schema` and `__type`, in the fragments and under
 * the conditions in which they stand.
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

/** Names that begin so are GraphQL's own: such a fragment can only stand below `__schema` or `__type`. */
function isOfIntrospection({ typeCondition }: FragmentDefinitionNode): boolean {
  return typeCondition.name.value.startsWith('__');
}

/** Of other types than these the part takes none, and the schema that it is run on may not have them. */
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
