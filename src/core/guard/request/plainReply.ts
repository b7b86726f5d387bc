import type {
  DocumentNode,
  GraphQLError,
  GraphQLFormattedError,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import { publicForm } from '../../errors/publicErrors.js';
import type { Reply } from './reply.js';

/**
 * The parts of a request that were read so far.
 *
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import { ANONYMOUS } from 'latchkey';
 * import type { Asked } from 'latchkey/adapter';
 *
 * export const unread = (schema: GraphQLSchema): Asked => ({
 *   ...{ schema, context: { principal: ANONYMOUS }, written: [] },
 *   ...{ document: undefined, operation: undefined, variables: undefined },
 * });
 * ```
 */
export interface Asked {
  readonly schema: GraphQLSchema;
  readonly context: unknown;
  readonly written: readonly string[];
  readonly document: DocumentNode | undefined;
  readonly operation: OperationDefinitionNode | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The response of a server that has no objects for the status and header fields of a response.
 *
 * @example
 * ```ts
 * import { GraphQLError } from 'graphql';
 * import { formattedError, PlainReply, type Asked, type GuardedRequest } from 'latchkey/adapter';
 *
 * export async function refuse(asked: Asked, guarded: GuardedRequest, error: GraphQLError): Promise<PlainReply> {
 *   const reply = new PlainReply(asked, { errors: [formattedError(error)] }, [error]);
 *   await guarded.finish(reply);
 *   return reply;
 * }
 * ```
 */
export class PlainReply implements Reply {
  readonly schema: GraphQLSchema;
  readonly context: unknown;
  readonly written: readonly string[];
  readonly document: DocumentNode | undefined;
  readonly operation: OperationDefinitionNode | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly result: Reply['result'];
  errors: readonly GraphQLError[] | undefined;
  status: number | undefined;
  readonly headers = new Map<string, string>();

  /** @param errors before they were formatted. Their status and header fields become those of the response */
  constructor(asked: Asked, result: Reply['result'], errors: readonly GraphQLError[] | undefined) {
    this.schema = asked.schema;
    this.context = asked.context;
    this.written = asked.written;
    this.document = asked.document;
    this.operation = asked.operation;
    this.variables = asked.variables;
    this.result = result;
    this.errors = errors;
    for (const error of errors ?? []) this.#take(error.extensions.http);
  }

  /** The status of the response: the status of its errors, or the one that Apollo Server chooses. */
  get statusCode(): number {
    const { result } = this;
    if (this.status !== undefined) return this.status;
    // Data that is null is the result of an operation that ran.
    if (result?.errors === undefined || result.errors.length === 0 || result.data !== undefined) return 200;
    return result.errors.every(({ extensions }) => extensions?.code === 'INTERNAL_SERVER_ERROR') ? 500 : 400;
  }

  #take(http: unknown): void {
    if (typeof http !== 'object' || http === null) return;
    const { status, headers } = http as { status?: unknown; headers?: unknown };
    if (typeof status === 'number') this.status ??= status;
    if (typeof headers !== 'object' || headers === null) return;
    const fields = headers instanceof Map ? headers : Object.entries(headers);
    for (const [name, value] of fields as Iterable<[string, unknown]>) {
      this.headers.set(name.toLowerCase(), String(value));
    }
  }
}

/**
 * Returns an error as it is sent: without its HTTP status, and without internals and tokens.
 *
 * @example
 * ```ts
 * import { GraphQLError } from 'graphql';
 * import { formattedError } from 'latchkey/adapter';
 *
 * export const sent = formattedError(new GraphQLError('Out of stock.', { extensions: { code: 'OUT_OF_STOCK' } }));
 * ```
 */
export function formattedError(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = error.extensions;
  return publicForm({ ...error.toJSON(), extensions }, error);
}
