import {
  isTypeDefinitionNode,
  parse,
  type ASTNode,
  type DocumentNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type Source,
} from 'graphql';
import { GuardError } from '../../core/guard/rules.js';

/** Root types are meant to be merged. */
const ROOTS: ReadonlySet<string> = new Set(['Query', 'Mutation']);

/**
 * Checks that no type of the administration API was merged with a type of the user that has the same name, which
 * makeExecutableSchema does without an error. Extensions are allowed.
 *
 * Both types then have all fields, and each has resolvers for some of them, and rules for some of them.
 *
 * @param typeDefs of the administration API, without locations
 * @throws GuardError
 */
export function assertUnmerged(schema: GraphQLSchema, typeDefs: DocumentNode): void {
  const own = typeDefs.definitions.filter(isTypeDefinitionNode).filter(({ name }) => !ROOTS.has(name.value));
  // A schema without the administration API can have types of any names.
  if (own.some(({ name }) => schema.getType(name.value) === undefined)) return;
  const defined = new Definitions();
  const merged = own.filter(({ name }) => isMerged(schema.getType(name.value), defined));
  if (merged.length === 0) return;
  const names = merged.map(({ name }) => name.value).join(', ');
  throw new GuardError(
    merged.map(({ name }) => `${name.value}: defined twice`),
    `Your schema defines ${names}, which latchkey.typeDefs also defines, and both were merged. Rename your type. ` +
      'To add fields to the type of Latchkey, write "extend type". To keep both, leave out latchkey.typeDefs, use directiveTypeDefs(), ' +
      'and serve the operations on keys separately with createAdmin of latchkey/admin.',
  );
}

/** Returns whether a type has members of several definitions. Latchkey's definitions have no location. */
function isMerged(type: GraphQLNamedType | undefined, defined: Definitions): boolean {
  const sources = membersOf(type?.astNode ?? {}).map(({ loc }) => loc?.source);
  const definitions = sources.filter((source) => source === undefined || defined.has(source, type?.name ?? ''));
  return new Set(definitions).size > 1;
}

/** Returns the fields of a type, or the values of an enum. */
function membersOf(node: object): readonly ASTNode[] {
  const { fields = [], values = [] } = node as {
    readonly fields?: readonly ASTNode[];
    readonly values?: readonly ASTNode[];
  };
  return [...fields, ...values];
}

/** Names of the types that a text defines, not including types that it only extends. */
class Definitions {
  readonly #bySource = new Map<Source, ReadonlySet<string>>();

  has(source: Source, name: string): boolean {
    let names = this.#bySource.get(source);
    if (names === undefined) this.#bySource.set(source, (names = definedIn(source)));
    return names.has(name);
  }
}

function definedIn(source: Source): ReadonlySet<string> {
  try {
    const { definitions } = parse(source, { noLocation: true });
    return new Set(definitions.filter(isTypeDefinitionNode).map(({ name }) => name.value));
  } catch {
    // A text of another dialect can't be checked.
    return new Set();
  }
}
