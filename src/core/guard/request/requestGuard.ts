import type { GraphQLError, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { LatchkeyContext } from '../../auth/principal.js';
import type { Callbacks } from '../../../shared/callbacks.js';
import { untold } from '../../errors/publicErrors.js';
import { Authorizer } from '../authorize.js';
import type { DocumentBounds } from '../document/documentBounds.js';
import { refuseLines } from '../lines.js';
import { printable } from '../printable.js';
import { GuardedRequest } from './guardedRequest.js';
import type { Logger, RequestGuardOptions } from './requestGuardOptions.js';

/**
 * Guards the requests of a GraphQL server of any kind. An adapter translates the server's hooks to these steps:
 *
 * 1. At the start: {@link prepare}, with the schema that the server executes. It parses and validates documents within
 *    {@link bounds}.
 * 2. For each request: create its context with `latchkey.context`, and {@link begin}.
 * 3. Before the document is parsed: {@link refuseLines}.
 * 4. Before anything is executed: {@link shortenVariables}, then `authorize`. If it returns an error, that error is the response, and nothing runs.
 * 5. Before the response is sent: `finish`.
 *
 * @example
 * ```ts
 * import type { GraphQLSchema } from 'graphql';
 * import type { Latchkey } from 'latchkey';
 * import type { RequestGuard } from 'latchkey/adapter';
 *
 * export function guardOf({ requests }: Latchkey, schema: GraphQLSchema): RequestGuard {
 *   requests.prepare(schema);
 *   return requests;
 * }
 * ```
 */
export class RequestGuard {
  /** For servers that execute operations in steps of their own, such as streams. */
  readonly authorizer: Authorizer;
  readonly #options: RequestGuardOptions;

  constructor(options: RequestGuardOptions) {
    const { limits, introspection, answer, log, onDenied, cost } = options;
    this.#options = options;
    this.authorizer = new Authorizer({ limits, introspection, answer, log, onDenied, cost });
  }

  /** The limits of documents, as options of graphql-js. */
  get bounds(): DocumentBounds {
    return this.#options.bounds;
  }

  /** @throws GuardError for a schema that is not guarded */
  prepare(schema: GraphQLSchema): void {
    this.authorizer.prepare(schema);
  }

  /**
   * Returns the variables of an operation without values that graphql-js could not read or print: those that nest too deep, and long
   * ones of a wrong type. It refuses replacements for them for the same reason. Authorize and execute the operation with the result.
   */
  shortenVariables<Given extends Readonly<Record<string, unknown>>>(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    variables: Given,
  ): Given {
    return printable(schema, operation, variables);
  }

  /** Returns the error for a document with too many lines, which must not be parsed; null: parse it. */
  refuseLines(document: string): GraphQLError | null {
    return refuseLines(document, this.#options.maxLines);
  }

  /** Logs the details that a response hides: an unexpected error, or the cause of a refusal. Does not throw. */
  report(error: unknown, context: LatchkeyContext, logger?: Logger): void {
    const kept = untold(error);
    if (kept !== undefined) this.#options.report(kept, context, logger);
  }

  /** Returns the wrapper of a user's functions, which catches their errors. @param what the function that has them as options */
  callbacks(what: string): Callbacks {
    return this.#options.callbacks(what);
  }

  /** @param logger the server's logger, for a guard without its own log */
  begin(logger?: Logger): GuardedRequest {
    return new GuardedRequest(this.authorizer, this.#options, logger);
  }
}
