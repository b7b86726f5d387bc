import {
  Kind,
  visit,
  type DirectiveNode,
  type DocumentNode,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';

/** The values of @skip and @include in a document for the variables of one request. */
export interface Conditions {
  /** The same for all requests that include the same selections. */
  readonly key: string;
  includes(selection: SelectionNode): boolean;
}

/** The conditions of a document without @skip and @include. */
export const ALWAYS: Conditions = { key: '', includes: () => true };

/**
 * Evaluates @skip and @include with the variables and their defaults (B24). A value that is not a boolean counts as
 * included: the executor rejects it later, and the guard must not be less strict.
 */
export function conditionsOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Conditions {
  const names = conditionalVariables(document);
  if (names === null) return ALWAYS;
  // B29: a map, because a variable may be named `constructor` or `__proto__`.
  const values = new Map<string, unknown>();
  for (const name of names) {
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
    values.set(name, given === undefined ? defaultOf(operation, name) : given);
  }
  const holds = (directive: DirectiveNode): boolean | null => {
    const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
    if (value?.kind === Kind.BOOLEAN) return value.value;
    const given = value?.kind === Kind.VARIABLE ? values.get(value.name.value) : undefined;
    return typeof given === 'boolean' ? given : null;
  };
  return {
    key: [...values.values()].map((value) => (typeof value === 'boolean' ? Number(value) : '-')).join(''),
    includes: (selection) => {
      for (const directive of selection.directives ?? []) {
        if (directive.name.value === 'skip' && holds(directive) === true) return false;
        if (directive.name.value === 'include' && holds(directive) === false) return false;
      }
      return true;
    },
  };
}

function defaultOf(operation: OperationDefinitionNode, name: string): unknown {
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
  return definition?.defaultValue?.kind === Kind.BOOLEAN ? definition.defaultValue.value : undefined;
}

/** The names of the variables in conditions; null if the document has no conditions. */
const remembered = new WeakMap<DocumentNode, readonly string[] | null>();

function conditionalVariables(document: DocumentNode): readonly string[] | null {
  const known = remembered.get(document);
  if (known !== undefined) return known;
  const uses: DirectiveNode[] = [];
  visit(document, {
    Directive(node) {
      if (node.name.value === 'skip' || node.name.value === 'include') uses.push(node);
    },
  });
  const values = uses.flatMap((use) => (use.arguments ?? []).map((argument) => argument.value));
  const names = new Set(values.flatMap((value) => (value.kind === Kind.VARIABLE ? [value.name.value] : [])));
  const result = uses.length > 0 ? [...names] : null;
  remembered.set(document, result);
  return result;
}
