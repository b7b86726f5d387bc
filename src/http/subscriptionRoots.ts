import { GraphQLError, Kind, OperationTypeNode, type ValidationRule } from 'graphql';
import type { ASTVisitor, DocumentNode, OperationDefinitionNode, SelectionSetNode } from 'graphql';

type Conditional = SelectionSetNode['selections'][number];

/**
 * A subscription has exactly one root field, so @skip and @include have no place there (GraphQL specification of September
 * 2025, section 5.2.4.1).
 *
 * graphql-js 16 doesn't know this rule. Its own rule throws at a condition with a variable, which the caller would see as a
 * fault of the server, and its execution throws if no root field is left. Operations that are refused here are therefore
 * taken out of the document that the other rules see.
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

const MESSAGE =
  'The root of a subscription can have no @skip or @include. Remove them, and send another document when nothing is wanted.';

/** Finds the first selection at the root of a subscription that has @skip or @include. */
function conditionAtRoot(
  { operation, selectionSet }: OperationDefinitionNode,
  fragment: (name: string) => SelectionSetNode | undefined,
): Conditional | null {
  if (operation !== OperationTypeNode.SUBSCRIPTION) return null;
  const seen = new Set([selectionSet]);
  // A set visits what is added while it is visited.
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
