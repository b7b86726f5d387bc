import type { GraphQLSchema } from 'graphql';

const revisions = new WeakMap<GraphQLSchema, number>();

/** Marks a schema as changed in place, so that nothing that was made from it is used again. */
export function markRevised(schema: GraphQLSchema): void {
  revisions.set(schema, revisionOf(schema) + 1);
}

function revisionOf(schema: GraphQLSchema): number {
  return revisions.get(schema) ?? 0;
}

/** Values that are computed from schemas, once for each revision of a schema. */
export class OfSchema<Value> {
  readonly #make: (schema: GraphQLSchema) => Value;
  readonly #made = new WeakMap<GraphQLSchema, { readonly revision: number; readonly value: Value }>();

  constructor(make: (schema: GraphQLSchema) => Value) {
    this.#make = make;
  }

  of(schema: GraphQLSchema): Value {
    const known = this.#made.get(schema);
    const revision = revisionOf(schema);
    if (known?.revision === revision) return known.value;
    const value = this.#make(schema);
    this.#made.set(schema, { revision, value });
    return value;
  }
}
