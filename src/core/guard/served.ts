import type { GraphQLSchema } from 'graphql';

/** The schemas of servers that have each operation authorized. */
const served = new WeakSet<GraphQLSchema>();

export function markServed(schema: GraphQLSchema): void {
  served.add(schema);
}

/** Checks once, when the first guarded field is resolved, whether the plugin is in use. */
export class FirstUse {
  /** A separate field, so that later calls only read this flag. */
  seen: boolean;
  readonly #warn: (context: unknown) => void;

  /** @param warn receives the context of the operation that runs without the plugin; null if nothing is checked */
  constructor(warn: ((context: unknown) => void) | null) {
    this.seen = warn === null;
    this.#warn = warn ?? (() => undefined);
  }

  look(schema: GraphQLSchema, context: unknown): void {
    this.seen = true;
    if (!served.has(schema)) this.#warn(context);
  }
}

export const WITHOUT_PLUGIN =
  'An operation ran without an adapter of Latchkey. Scopes are checked, but rate limits, cost limits, RateLimit header fields, HTTP status codes and usage tracking are missing. Use an adapter, such as apolloOptions(latchkey, { schema }) of latchkey/apollo. If this is intended, call latchkey.guard(schema, { plugin: false }).';
