import { readFileSync } from 'node:fs';
import {
  isTypeDefinitionNode,
  Kind,
  parse,
  type DefinitionNode,
  type DocumentNode,
  type TypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import { PUBLISHED_TIERS } from '../../core/limits/tierNames.js';
import type { Tier } from '../../core/store/records.js';
import { packageFile } from '../../packageFiles.js';
import { withTiers } from './tierDefinition.js';

/** The package's schema.graphql, parsed once: a service needs it twice. Its nodes are never changed. */
let parsed: DocumentNode | null = null;

/** The definitions for schemas of others, by the names of the tiers: the latest ones. */
let latest: { readonly tiers: string; readonly document: DocumentNode } | null = null;

/**
 * Returns the package's schema.graphql: directives, scalars, the operations on keys and workspaces, and the streams of key events.
 *
 * @param tiers the names of the tiers. Default: the published ones
 */
export function apiTypeDefs(tiers: readonly Tier[] = PUBLISHED_TIERS): DocumentNode {
  parsed ??= parse(readFileSync(packageFile('schema.graphql'), 'utf8'), { noLocation: true });
  return withTiers(parsed, tiers);
}

/**
 * Returns only the directives and the scalar Scope, for a schema that is guarded but does not manage keys.
 *
 * @example
 * ```ts
 * import { makeExecutableSchema } from '@graphql-tools/schema';
 * import { directiveTypeDefs } from 'latchkey';
 *
 * const typeDefs = 'type Query { opening: String! @public }';
 * export const schema = makeExecutableSchema({ typeDefs: [directiveTypeDefs(), typeDefs] });
 * ```
 */
export function directiveTypeDefs(): DocumentNode {
  const definitions = apiTypeDefs().definitions.filter(
    (definition) =>
      definition.kind === Kind.DIRECTIVE_DEFINITION ||
      (definition.kind === Kind.SCALAR_TYPE_DEFINITION && definition.name.value === 'Scope'),
  );
  return { kind: Kind.DOCUMENT, definitions };
}

/**
 * Returns the definitions for your own schema: directives, scalars, and the operations on keys and workspaces with their types.
 * Streams are not included, because only the service serves them.
 *
 * @param tiers the names of the tiers. Default: the published ones
 */
export function keyTypeDefs(tiers: readonly Tier[] = PUBLISHED_TIERS): DocumentNode {
  const names = tiers.join();
  if (latest?.tiers !== names) latest = { tiers: names, document: reachedFromKeys(apiTypeDefs(tiers)) };
  // The caller may change the list.
  return { ...latest.document, definitions: [...latest.document.definitions] };
}

/** Returns the definitions that operations and directives use. */
function reachedFromKeys({ definitions }: DocumentNode): DocumentNode {
  const types = new Map<string, TypeDefinitionNode>();
  for (const definition of definitions)
    if (isTypeDefinitionNode(definition)) types.set(definition.name.value, definition);

  const reached = new Set<string>();
  const reach = (definition: DefinitionNode): void => {
    eachNamedType(definition as Referring, (name) => {
      const type = types.get(name);
      if (type === undefined || reached.has(name)) return;
      reached.add(name);
      reach(type);
    });
  };
  for (const definition of definitions) {
    const isRoot = isTypeDefinitionNode(definition) && ['Query', 'Mutation'].includes(definition.name.value);
    if (definition.kind !== Kind.DIRECTIVE_DEFINITION && !isRoot) continue;
    if (isRoot) reached.add(definition.name.value);
    reach(definition);
  }
  return {
    kind: Kind.DOCUMENT,
    definitions: definitions.filter(
      (definition) => !isTypeDefinitionNode(definition) || reached.has(definition.name.value),
    ),
  };
}

/** The parts of definitions that refer to types. */
interface Referring {
  readonly type?: TypeNode;
  readonly types?: readonly TypeNode[];
  readonly interfaces?: readonly TypeNode[];
  readonly fields?: readonly Referring[];
  readonly arguments?: readonly Referring[];
}

/** Calls a function with the name of each type to which a definition refers. `visit` would take 10 ms of each start. */
function eachNamedType(definition: Referring, found: (name: string) => void): void {
  const { type, types = [], interfaces = [], fields = [], arguments: given = [] } = definition;
  if (type !== undefined) found(nameOf(type));
  for (const each of types) found(nameOf(each));
  for (const each of interfaces) found(nameOf(each));
  for (const each of fields) eachNamedType(each, found);
  for (const each of given) eachNamedType(each, found);
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}
