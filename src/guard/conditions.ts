import {
  Kind,
  visit,
  type DirectiveNode,
  type DocumentNode,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';

/** How @skip and @include of a document stand under one request's variables. */
export interface Conditions {
  /** The same for requests under which the same selections are included. */
  readonly key: string;
  includes(selection: SelectionNode): boolean;
}

const ALWAYS: Conditions = { key: '', includes: () => true };

/**
 * @skip and @include under variables and their defaults (B24). Whatever is not plainly a boolean counts as included: the
 * execution would refuse it later, and the guard must not be the more lenient of the two.
 */
export function conditionsOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Conditions {
  const names = conditionalVariables(document);
  if (names === null) return ALWAYS;
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

/** Names of variables in conditions; null where the document has no conditions at all. */
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
