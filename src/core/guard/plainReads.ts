import type { GraphQLFieldResolver } from 'graphql';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

/**
 * A guarded resolver that reads the property of its source, as graphql-js does if there is no resolver. It returns short strings,
 * numbers, booleans and objects, and null where the type allows it, and has no other effect. A caller that finds such a property doesn't
 * have to call it.
 */
export interface PlainRead {
  /** Returns whether the rule of the field is known to allow the caller. If not, call the resolver. */
  isOpen(context: unknown): boolean;
}

const reads = new WeakMap<Resolver, PlainRead>();

export function markPlainRead(resolver: Resolver, read: PlainRead): void {
  reads.set(resolver, read);
}

/** @returns null if the resolver must be called */
export function plainReadOf(resolver: Resolver): PlainRead | null {
  return reads.get(resolver) ?? null;
}
