import { Kind, type DefinitionNode, type DocumentNode, type ObjectTypeDefinitionNode } from 'graphql';
import { demoTypeDefs } from '../demo/demoTypeDefs.js';
import type { Tier } from '../core/store/records.js';
import { apiTypeDefs } from '../management/schema/typeDefs.js';

/**
 * Returns the API of the service: schema.graphql and, unless it is disabled, the built-in domain.
 *
 * @param demo whether the built-in domain is served
 * @param tiers the names of the tiers. Default: the published ones
 */
export function servedTypeDefs(demo: boolean, tiers?: readonly Tier[]): DocumentNode {
  const { definitions } = apiTypeDefs(tiers);
  if (!demo) return { kind: Kind.DOCUMENT, definitions };
  // The domain's types come before the streams, as its streams come before those of keys.
  const streams = definitions.findIndex(
    (each) => each.kind === Kind.OBJECT_TYPE_DEFINITION && each.name.value === 'Subscription',
  );
  return {
    kind: Kind.DOCUMENT,
    definitions: joined([
      ...definitions.slice(0, streams),
      ...demoTypeDefs().definitions,
      ...definitions.slice(streams),
    ]),
  };
}

/** Adds the fields of extensions to their types. Types and fields keep the order in which they first occur. */
function joined(definitions: readonly DefinitionNode[]): DefinitionNode[] {
  const found = new Map<unknown, DefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_EXTENSION && definition.kind !== Kind.OBJECT_TYPE_DEFINITION) {
      found.set(definition, definition);
      continue;
    }
    const { value: name } = definition.name;
    const before = found.get(name) as ObjectTypeDefinitionNode | undefined;
    const both = <Part>(first: readonly Part[] = [], second: readonly Part[] = []): Part[] => [...first, ...second];
    found.set(name, {
      ...before,
      ...definition,
      kind: Kind.OBJECT_TYPE_DEFINITION,
      fields: both(before?.fields, definition.fields),
      directives: both(before?.directives, definition.directives),
      interfaces: both(before?.interfaces, definition.interfaces),
    });
  }
  return [...found.values()];
}
