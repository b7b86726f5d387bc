import DataLoader from 'dataloader';
import { OperationTypeNode, type GraphQLResolveInfo } from 'graphql';
import type { ActorContext } from './actor.js';

/** Reads what several resolvers of one request ask for in the same turn. Null: there is no such thing. */
export type Gathered<Subject, Value> = (context: ActorContext, subject: Subject) => Promise<Value | null>;

/**
 * Gathers what the resolvers of one request ask for at once, so that a page of keys reads all its users in one read, under
 * any number of aliases. Nothing is remembered: of several mutations in one request a later one may change what an
 * earlier one was told.
 *
 * @param read one read of everything asked for, each subject once. Returns values by the subjects' names
 * @param nameOf what two subjects that are the same have in common. Default: the subject as a string
 */
export function gathering<Subject, Value>(
  read: (context: ActorContext, subjects: readonly Subject[]) => Promise<ReadonlyMap<string, Value>>,
  nameOf: (subject: Subject) => string = String,
): Gathered<Subject, Value> {
  // By the context object, which lives as long as its request does: what is read for one caller is never shown to another.
  const loaders = new WeakMap<ActorContext, Loader<Subject, Value>>();
  const loaderFor = (context: ActorContext): Loader<Subject, Value> => {
    const waiting = new Map<string, Promise<Value | null>>();
    const loader = new DataLoader<Subject, Value | null>(
      async (subjects) => {
        waiting.clear();
        const found = await read(context, subjects);
        return subjects.map((subject) => found.get(nameOf(subject)) ?? null);
      },
      { cache: false },
    );
    return { loader, waiting };
  };
  return (context, subject) => {
    let known = loaders.get(context);
    if (known === undefined) loaders.set(context, (known = loaderFor(context)));
    const { loader, waiting } = known;
    const name = nameOf(subject);
    let value = waiting.get(name);
    // Under many aliases: a place in a batch takes some 10 µs.
    if (value === undefined) waiting.set(name, (value = loader.load(subject)));
    return value;
  };
}

/**
 * Reads a value when a resolver first asks for it, and once for all fields of a query that ask for the same. For reads that a
 * caller could multiply by aliases. In a mutation it reads once for each root field, because the root field may have changed the value.
 *
 * @param nameOf what two subjects that are the same have in common
 */
export function oncePerQuery<Subject, Value>(
  read: (subject: Subject) => Promise<Value>,
  nameOf: (subject: Subject) => string,
): (context: ActorContext, info: Pick<GraphQLResolveInfo, 'operation' | 'path'>, subject: Subject) => Promise<Value> {
  const known = new WeakMap<ActorContext, Map<string, Promise<Value>>>();
  return (context, info, subject) => {
    // Each event of a subscription has the same context.
    if (info.operation.operation === OperationTypeNode.SUBSCRIPTION) return read(subject);
    const values = known.get(context) ?? new Map<string, Promise<Value>>();
    known.set(context, values);
    const isMutation = info.operation.operation === OperationTypeNode.MUTATION;
    const name = `${isMutation ? rootOf(info.path) : ''} ${nameOf(subject)}`;
    const value = values.get(name) ?? read(subject);
    values.set(name, value);
    return value;
  };
}

/** Returns the response name of the root field. */
function rootOf(path: GraphQLResolveInfo['path']): string {
  let root = path;
  while (root.prev !== undefined) root = root.prev;
  return String(root.key);
}

/**
 * Makes a resolver that resolves a field once for each parent and query, under any number of aliases. For fields that take
 * longer to resolve than to print.
 */
export function oncePerParent<Parent extends object, Value>(
  resolve: (parent: Parent, context: ActorContext) => Value,
): (parent: Parent, args: unknown, context: ActorContext, info: Pick<GraphQLResolveInfo, 'operation'>) => Value {
  const known = new WeakMap<ActorContext, WeakMap<Parent, { readonly value: Value }>>();
  return (parent, _, context, { operation }) => {
    if (operation.operation !== OperationTypeNode.QUERY) return resolve(parent, context);
    let values = known.get(context);
    if (values === undefined) known.set(context, (values = new WeakMap()));
    let found = values.get(parent);
    if (found === undefined) values.set(parent, (found = { value: resolve(parent, context) }));
    return found.value;
  };
}

interface Loader<Subject, Value> {
  readonly loader: DataLoader<Subject, Value | null>;
  /** Those asked for in this turn, by their names. */
  readonly waiting: Map<string, Promise<Value | null>>;
}
