import {
  getOperationAST,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { printable } from '../printable.js';
import { checkVariables } from '../validVariables.js';
import { LRUCache } from 'lru-cache';
import { retainedBytes } from '../document/retainedBytes.js';
import { planOf, type OperationPlan } from './plan/operationPlan.js';

/**
 * Maximum number of bytes that the cached documents keep in memory, and maximum length of a cached text in characters.
 */
const MAX_BYTES = 16 * 2 ** 20;
const MAX_LENGTH = 4_000;

const NO_VARIABLES = Object.freeze({});

interface Remembered {
  readonly document: DocumentNode;
  /** Bytes that it keeps in memory. */
  readonly bytes: number;
  /** The plans of its operations that were requested; null if graphql-js executes the operation. */
  readonly plans: Map<OperationDefinitionNode, OperationPlan | null>;
}

/** An operation of a cached document, requested without unusual parameters. */
export interface KnownOperation {
  readonly source: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The name in the request. */
  readonly operationName: string | undefined;
  readonly variables: Record<string, unknown> | undefined;
}

/** Caches documents that a server has parsed and validated, by their text. */
export class KnownOperations {
  readonly #schema: GraphQLSchema;
  readonly #documents = new LRUCache<string, Remembered>({ maxSize: MAX_BYTES, sizeCalculation: ({ bytes }) => bytes });

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** Adds a document that is valid for the schema, with the text that it was parsed from. */
  remember(source: string, document: DocumentNode): void {
    if (source.length > MAX_LENGTH || this.#documents.peek(source)?.document === document) return;
    const bytes = retainedBytes(document);
    // The bytes of a document without locations are unknown.
    if (Number.isFinite(bytes)) this.#documents.set(source, { document, bytes, plans: new Map() });
  }

  /** See {@link knownOperation}. @param body the parsed body */
  find(body: unknown): KnownOperation | null {
    return knownOperation(this.#schema, body, this.#find);
  }

  /** Returns how to execute an operation that was found; null: by graphql-js. */
  planOf({ source, document, operation }: KnownOperation): OperationPlan | null {
    const remembered = this.#documents.peek(source);
    if (remembered?.document !== document) return null;
    const known = remembered.plans.get(operation);
    if (known !== undefined) return known;
    const plan = planOf(this.#schema, document, operation);
    remembered.plans.set(operation, plan);
    // With the plan, the document takes more of the cache.
    const bytes = remembered.bytes + (plan?.bytes ?? 0);
    this.#documents.set(source, { document, bytes, plans: remembered.plans });
    return plan;
  }

  readonly #find = (text: string): DocumentNode | undefined => this.#documents.get(text)?.document;
}

/**
 * Finds the operation that a request selects in a known document.
 *
 * @param body the parsed body
 * @param find returns the document of a text, if it is known to be valid for the schema
 * @returns null for requests that the server must process in all steps, for example because variables have the wrong type
 */
function knownOperation(
  schema: GraphQLSchema,
  body: unknown,
  find: (text: string) => DocumentNode | undefined,
): KnownOperation | null {
  if (!isRecord(body)) return null;
  const { query, variables = null, operationName = null, extensions } = body;
  if (typeof query !== 'string' || extensions !== undefined) return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isRecord(variables)) return null;
  const document = find(query);
  if (document === undefined) return null;
  const operation = getOperationAST(document, operationName);
  if (operation == null || operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
  const short = printable(schema, operation, variables ?? NO_VARIABLES);
  if (checkVariables(schema, operation, short) !== null) return null;
  return {
    source: query,
    document,
    operation,
    operationName: operationName ?? undefined,
    variables: variables ?? undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
