import { executeSync, Kind, OperationTypeNode, print, type DocumentNode, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { readsSchema } from './introspectionPart.js';
import type { Introspecting } from './introspection.js';
import { OfSchema } from './schemaRevision.js';

/** Maximum size of all prepared responses, and of one, in bytes. */
const MAX_BYTES = 32 * 2 ** 20;
const MAX_ENTRY = 8 * 2 ** 20;

/** Bytes that a response can take in memory for each character of its JSON. */
const BYTES_PER_CHARACTER = 6;

/** Responses for longer variables are not cached. */
const MAX_VARIABLES = 500;

type Data = Record<string, unknown>;

/**
 * Caches responses to operations that only read the schema, as GraphiQL, Apollo's tools and code generators send them.
 * Each is executed once for each view of the schema; the formatting of the document makes no difference.
 */
export class PreparedReadings {
  readonly #answers = new LRUCache<string, Data>({ maxSize: MAX_BYTES, maxEntrySize: MAX_ENTRY });
  readonly #texts = new WeakMap<DocumentNode, string>();
  #count = 0;
  readonly #ids = new OfSchema(() => this.#count++);

  /** The number of responses that were not in the cache. */
  executed = 0;

  /**
   * Returns the response to an operation that only reads the schema.
   *
   * @param view the schema as the caller may read it
   * @returns null for any other operation, which must be executed
   */
  answer(view: GraphQLSchema, reading: Introspecting): Data | null {
    if (!isReadingAlone(reading)) return null;
    const { document, operation, variables } = reading;
    const values = valuesOf(operation, variables);
    if (values === null || values.length > MAX_VARIABLES) return null;
    // The operation's name, because a document can have several operations.
    const key = `${this.#ids.of(view)} ${values} ${this.#textOf(document)} ${operation.name?.value ?? ''}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    this.executed += 1;
    const operationName = operation.name?.value;
    const { data, errors } = executeSync({ schema: view, document, operationName, variableValues: variables });
    if (errors !== undefined || data == null) return null;
    const size = key.length * 2 + JSON.stringify(data).length * BYTES_PER_CHARACTER;
    this.#answers.set(key, data, { size });
    return data;
  }

  #textOf(document: DocumentNode): string {
    let text = this.#texts.get(document);
    if (text === undefined) this.#texts.set(document, (text = print(document)));
    return text;
  }
}

/**
 * Returns the values of the operation's variables as text. Introspection has only arguments with simple values.
 *
 * @returns null for a list or an object, which can nest so deep that writing it exhausts the stack
 */
function valuesOf(
  { variableDefinitions = [] }: Introspecting['operation'],
  variables: Introspecting['variables'],
): string | null {
  const values = variableDefinitions.map(({ variable: { name } }): [string, unknown] => [
    name.value,
    Object.hasOwn(variables, name.value) ? variables[name.value] : undefined,
  ]);
  if (values.some(([, value]) => typeof value === 'object' && value !== null)) return null;
  // A variable that is missing has its default, and one that is null has not.
  return JSON.stringify(Object.fromEntries(values));
}

/** Returns whether each root field reads the schema. Does not look into fragments. */
function isReadingAlone({ operation: { operation, selectionSet } }: Introspecting): boolean {
  return (
    operation === OperationTypeNode.QUERY &&
    selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && (readsSchema(selection) || selection.name.value === '__typename'),
    )
  );
}
