import type { GraphQLSchema } from 'graphql';

const forwarded = new WeakSet<GraphQLSchema>();

/** Notes that the operations of a schema run in another server, so that no resolver can refuse a value here. */
export function markForwarded(schema: GraphQLSchema): void {
  forwarded.add(schema);
}

/** Returns whether the operations of a schema run in another server. */
export function isForwarded(schema: GraphQLSchema): boolean {
  return forwarded.has(schema);
}
