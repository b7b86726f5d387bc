import {
  Kind,
  OperationTypeNode,
  parse,
  type DocumentNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** What of an operation bears on when it may be sent, and whether it may be sent again. */
export interface Operation {
  /** null: it cannot be read. */
  readonly type: 'query' | 'mutation' | 'subscription' | null;
  /** In requests, at least 1: as the server counts it, or more where a directive leaves something out. */
  readonly cost: number;
  /** The same for operations that ask for the same root fields: these have the same limits. */
  readonly kind: string;
}

export const UNREAD: Operation = { type: null, cost: 1, kind: '' };

/** Documents remembered. Those that hold their values are each another, and forgotten as they came. */
const MAX_KNOWN = 500;
const known = new Map<string, Operation>();

/** The operation that a document selects. @param name needed where the document has several */
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

/** The operation of a request's body. */
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
    // The server says what is wrong with it.
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

/** A mutation costs as many requests as it has root fields, all else as its most repeated one is selected. */
function measured({ operation: type }: OperationDefinitionNode, counts: ReadonlyMap<string, number>): Operation {
  const each = [...counts.values()];
  const cost = type === OperationTypeNode.MUTATION ? each.reduce((sum, count) => sum + count, 0) : Math.max(1, ...each);
  return { type, cost: Math.max(1, cost), kind: `${type} ${[...counts.keys()].sort().join(' ')}` };
}

/**
 * How often each root field is selected. What @skip and @include leave out is counted too: a place held too long does no
 * harm, one too few is a refusal.
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
    // A fragment that spreads itself is refused by the server, and must not be followed without end here.
    if (fragment === undefined || (name !== null && within.has(name))) continue;
    const inner = countFields(fragment.selectionSet, fragments, name === null ? within : new Set([...within, name]));
    for (const [field, count] of inner) add(field, count);
  }
  return counts;
}
