import { GraphQLError, Kind, OperationTypeNode, type ValidationRule } from 'graphql';
import type { ASTVisitor, DocumentNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';

type Conditional = SelectionSetNode['selections'][number];

/**
 * Forbids @skip and @include at the root of a subscription, which has exactly one root field (GraphQL specification of
 * September 2025, section 5.2.4.1).
 *
 * graphql-js 16 doesn't have this rule. Its own rule throws if a condition is a variable, which would look like a fault
 * of the server, and its execution throws if no root field is left. Operations that this rule refuses are therefore
 * removed from the document before the other rules see it.
 */
export const unconditionalSubscriptionRoots: ValidationRule = (context): ASTVisitor => ({
  Document(document: DocumentNode) {
    const refused = new Set<unknown>();
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      const condition = conditionAtRoot(definition, (name) => context.getFragment(name)?.selectionSet);
      if (condition === null) continue;
      refused.add(definition);
      context.reportError(new GraphQLError(MESSAGE, { nodes: condition }));
    }
    if (refused.size === 0) return undefined;
    return { ...document, definitions: document.definitions.filter((definition) => !refused.has(definition)) };
  },
});

const MESSAGE = "The root field of a subscription can't have @skip or @include. Remove them.";

/** Finds the first selection at the root of a subscription that has @skip or @include. */
function conditionAtRoot(
  { operation, selectionSet }: OperationDefinitionNode,
  fragment: (name: string) => SelectionSetNode | undefined,
): Conditional | null {
  if (operation !== OperationTypeNode.SUBSCRIPTION) return null;
  const seen = new Set([selectionSet]);
  // Iterating a set also visits elements added during the iteration.
  for (const { selections } of seen) {
    for (const selection of selections) {
      if (selection.directives?.some(({ name: { value } }) => value === 'skip' || value === 'include'))
        return selection;
      const within = selection.kind === Kind.FRAGMENT_SPREAD ? fragment(selection.name.value) : selection.selectionSet;
      if (selection.kind !== Kind.FIELD && within !== undefined) seen.add(within);
    }
  }
  return null;
}
