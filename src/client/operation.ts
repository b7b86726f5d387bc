import {
  Kind,
  OperationTypeNode,
  parse,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** The properties of an operation that decide when it is sent and whether it is retried. */
export interface Operation {
  /** null if the document is invalid. */
  readonly type: 'query' | 'mutation' | 'subscription' | null;
  /** The number of requests that the server counts, at least 1. May be higher because of `@skip` and `@include`. */
  readonly cost: number;
  /** The operation type and its root fields. Operations of the same kind have the same rate limits. */
  readonly kind: string;
}

const UNREAD: Operation = { type: null, cost: 1, kind: '' };

/** The number of cached documents. Documents with inline values are all different, so the cache needs a bound. */
const MAX_KNOWN = 500;
const known = new Map<string, Operation>();

/**
 * Returns the operation in a document.
 *
 * @param name required if the document has several operations
 */
export function operationOf(text: string, name?: string): Operation {
  const id = `${name ?? ''}\n${text}`;
  const before = known.get(id);
  if (before !== undefined) return before;
  const operation = read(text, name);
  for (const oldest of known.keys()) {
    if (known.size < MAX_KNOWN) break;
    known.delete(oldest);
  }
  known.set(id, operation);
  return operation;
}

/** Returns the operation in the body of a request. */
export function operationOfBody(body: unknown): Operation {
  if (typeof body !== 'string') return UNREAD;
  try {
    const { query, operationName } = JSON.parse(body) as Record<string, unknown>;
    if (typeof query !== 'string') return UNREAD;
    return operationOf(query, typeof operationName === 'string' ? operationName : undefined);
  } catch {
    return UNREAD;
  }
}

function read(text: string, name: string | undefined): Operation {
  let document: DocumentNode;
  try {
    document = parse(text, { noLocation: true });
  } catch {
    // The server reports the syntax error.
    return UNREAD;
  }
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const operation = operations.find((each) => name === undefined || each.name?.value === name);
  if (operation === undefined) return UNREAD;
  const fragments = new Map(
    document.definitions
      .filter((each) => each.kind === Kind.FRAGMENT_DEFINITION)
      .map((each) => [each.name.value, each]),
  );
  return measured(operation, countFields(operation.selectionSet, fragments, new Set()));
}

/** A mutation costs one request for each root field. Any other operation costs as many requests as its most repeated root field occurs. */
function measured({ operation: type }: OperationDefinitionNode, counts: ReadonlyMap<string, number>): Operation {
  const each = [...counts.values()];
  const cost = type === OperationTypeNode.MUTATION ? each.reduce((sum, count) => sum + count, 0) : Math.max(1, ...each);
  return { type, cost: Math.max(1, cost), kind: `${type} ${[...counts.keys()].sort().join(' ')}` };
}

/**
 * Counts how often each root field is selected. Ignores `@skip` and `@include`: reserving too much only delays a
 * request, and reserving too little gets it rejected.
 */
function countFields(
  selections: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  within: ReadonlySet<string>,
): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count);
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) {
      add(selection.name.value, 1);
      continue;
    }
    const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : null;
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    // The server rejects a fragment that spreads itself. Following it here would never end.
    if (fragment === undefined || (name !== null && within.has(name))) continue;
    const inner = countFields(fragment.selectionSet, fragments, name === null ? within : new Set([...within, name]));
    for (const [field, count] of inner) add(field, count);
  }
  return counts;
}
