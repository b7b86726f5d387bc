import type { GraphQLSchema } from 'graphql';

/** Schemas that the plugin has seen: its server runs their operations. */
const served = new WeakSet<GraphQLSchema>();

export function markServed(schema: GraphQLSchema): void {
  served.add(schema);
}

/** Looks once, at the first guarded field that resolves, whether the plugin is in use. */
export class FirstUse {
  /** A field of its own, so that guards read no more than this from the second call on. */
  seen: boolean;
  readonly #warn: (context: unknown) => void;

  /** @param warn receives the context of the operation that runs without the plugin; null: nothing is looked at */
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
  'An operation ran without the plugin of Latchkey: scopes are checked, but limits, bounds on cost, RateLimit header fields, HTTP statuses of refusals, and the record of use are missing. Serve the schema by Apollo Server with latchkey.apolloOptions({ schema }), or, if this is intended, call latchkey.guard(schema, { plugin: false }).';
