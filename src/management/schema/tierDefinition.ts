import { Kind, type DefinitionNode, type DocumentNode, type EnumTypeDefinitionNode } from 'graphql';
import type { Tier } from '../../core/store/records.js';

/** The name of the enum whose values are the names of the tiers. */
export const TIER = 'Tier';

/** Returns the definitions, with these tiers as the values of the enum. */
export function withTiers(document: DocumentNode, tiers: readonly Tier[]): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((each) => (isTierEnum(each) ? enumOf(each, tiers) : each)),
  };
}

function isTierEnum(definition: DefinitionNode): definition is EnumTypeDefinitionNode {
  return definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === TIER;
}

/** Returns the definition with these values. Existing values stay as they are. */
export function enumOf(definition: EnumTypeDefinitionNode, tiers: readonly Tier[]): EnumTypeDefinitionNode {
  const known = new Map(definition.values?.map((value) => [value.name.value, value]));
  return {
    ...definition,
    values: tiers.map(
      (tier) =>
        known.get(tier) ?? { kind: Kind.ENUM_VALUE_DEFINITION, name: { kind: Kind.NAME, value: tier }, directives: [] },
    ),
  };
}
