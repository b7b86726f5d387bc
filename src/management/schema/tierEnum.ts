import { GraphQLEnumType, isEnumType, type GraphQLSchema } from 'graphql';
import { markRevised } from '../../core/guard/schemaRevision.js';
import type { Tier } from '../../core/store/records.js';
import { enumOf, TIER } from './tierDefinition.js';

/** The guarded schemas with an enum of the tiers. */
export class TierEnums {
  /** Weak, because a server may guard a new schema whenever its API changes. */
  #schemas: WeakRef<GraphQLSchema>[] = [];

  watch(schema: GraphQLSchema): void {
    this.#schemas = [...this.#schemas.filter((each) => each.deref() !== undefined), new WeakRef(schema)];
  }

  /**
   * Replaces the values of the enum in place, because servers keep a schema for as long as they run. An enum with other values
   * is not Latchkey's.
   */
  replace(before: readonly Tier[], after: readonly Tier[]): void {
    if (isSame(before, after)) return;
    this.#schemas = this.#schemas.filter((each) => each.deref() !== undefined);
    for (const each of this.#schemas) {
      const schema = each.deref();
      const type = schema?.getType(TIER);
      if (schema === undefined || !isEnumType(type) || !isSame(namesIn(type), before)) continue;
      Object.assign(type, renewed(type, after));
      markRevised(schema);
    }
  }
}

function renewed(type: GraphQLEnumType, tiers: readonly Tier[]): GraphQLEnumType {
  const { values, astNode, ...config } = type.toConfig();
  return new GraphQLEnumType({
    ...config,
    values: Object.fromEntries(tiers.map((tier) => [tier, values[tier] ?? {}])),
    astNode: astNode && enumOf(astNode, tiers),
  });
}

function namesIn(type: GraphQLEnumType): readonly string[] {
  return type.getValues().map(({ name }) => name);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i]);
}
