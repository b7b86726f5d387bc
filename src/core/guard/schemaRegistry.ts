import type { GraphQLSchema } from 'graphql';

/** The maximum number of schemas that are kept, because a server may guard a new one whenever its API changes. */
const MAX = 8;

/** The schemas that one Latchkey guards, newest last. */
export class SchemaRegistry {
  readonly #schemas = new Set<GraphQLSchema>();
  #administration: GraphQLSchema | null = null;

  add(schema: GraphQLSchema): void {
    this.#schemas.delete(schema);
    this.#schemas.add(schema);
    for (const oldest of this.#schemas) {
      if (this.#schemas.size <= MAX) break;
      this.#schemas.delete(oldest);
    }
  }

  /** Marks the schema of an administration API with a separate endpoint, which is not part of {@link own}. */
  setAdministration(schema: GraphQLSchema): void {
    this.#administration = schema;
    this.#schemas.delete(schema);
  }

  /** The newest schema other than the administration API's schema; null if there is none. */
  get newest(): GraphQLSchema | null {
    return [...this.#schemas].at(-1) ?? null;
  }

  /**
   * Returns the schemas that an operation of the administration API is about, the newest other schema first.
   *
   * @param served the schema that serves the operation
   */
  besides(served: GraphQLSchema): readonly GraphQLSchema[] {
    // A schema that contains the administration API only counts itself.
    if (served !== this.#administration && this.#schemas.has(served)) return [served];
    const newest = this.newest;
    return newest === null || newest === served ? [served] : [newest, served];
  }
}
