import { executeSync, Kind, OperationTypeNode, print, type DocumentNode, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { readsSchema } from '../guard/introspectionPart.js';
import type { Introspecting } from '../guard/introspection.js';

/** What the prepared answers may take together, and one of them, in bytes. */
const MAX_BYTES = 32 * 2 ** 20;
const MAX_ENTRY = 8 * 2 ** 20;

/** Bytes that an answer may take in memory for each character of its JSON. */
const BYTES_PER_CHARACTER = 6;

/** Longer variables are answered, and not prepared. */
const MAX_VARIABLES = 500;

type Data = Record<string, unknown>;

/**
 * Answers to operations that read the schema and nothing else, as GraphiQL, Apollo's tools and code generators send them.
 * Each is executed once for each part of the schema that callers see, however its document is spaced and named.
 */
export class PreparedReadings {
  readonly #answers = new LRUCache<string, Data>({ maxSize: MAX_BYTES, maxEntrySize: MAX_ENTRY });
  readonly #texts = new WeakMap<DocumentNode, string>();
  readonly #schemas = new WeakMap<GraphQLSchema, number>();
  #count = 0;

  /** Answers that were executed and not found. */
  executed = 0;

  /** @param view the schema as the caller may read it @returns null for what has to be executed as any other operation */
  answer(view: GraphQLSchema, reading: Introspecting): Data | null {
    if (!isReadingAlone(reading)) return null;
    const { document, operation, variables } = reading;
    const values = JSON.stringify(variables);
    if (values.length > MAX_VARIABLES) return null;
    // The name tells which operation of a document is meant.
    const key = `${this.#idOf(view)} ${values} ${this.#textOf(document)} ${operation.name?.value ?? ''}`;
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

  #idOf(view: GraphQLSchema): number {
    let id = this.#schemas.get(view);
    if (id === undefined) this.#schemas.set(view, (id = this.#count++));
    return id;
  }

  #textOf(document: DocumentNode): string {
    let text = this.#texts.get(document);
    if (text === undefined) this.#texts.set(document, (text = print(document)));
    return text;
  }
}

/** Does each field at the top read the schema? A fragment there is not looked into. */
function isReadingAlone({ operation: { operation, selectionSet } }: Introspecting): boolean {
  return (
    operation === OperationTypeNode.QUERY &&
    selectionSet.selections.every(
      (selection) => selection.kind === Kind.FIELD && (readsSchema(selection) || selection.name.value === '__typename'),
    )
  );
}
