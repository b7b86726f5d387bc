import { HeaderMap, type ApolloServerPlugin, type GraphQLRequestListener, type HTTPGraphQLHead } from '@apollo/server';
import {
  execute,
  GraphQLError,
  type DocumentNode,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { LatchkeyContext } from '../../../core/auth/principal.js';
import { INTERNAL_ERROR } from '../../../core/errors/publicErrors.js';
import type { KnownOperation } from './knownOperations.js';
import type { GuardedServerOptions } from '../serverOptions.js';

/** A complete response to an operation. */
interface CompleteAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
}

type Listener = GraphQLRequestListener<LatchkeyContext>;

/** The properties that hooks for checking and responding need. */
interface Running {
  /** A plugin can replace it by the part that the caller may run. */
  readonly document: DocumentNode;
  errors?: readonly GraphQLError[];
  readonly response: { readonly http: HTTPGraphQLHead; body?: object };
}

/**
 * Checks and runs known operations and returns the same responses as Apollo Server, with the same options and plugins.
 * Most of the time of Apollo Server's own pipeline is spent on work that is the same for each request of a document (a
 * hash of its text, content negotiation, promises for unused hooks), and together this takes longer than the whole
 * guard.
 *
 * Supports the plugin hooks for operations that are checked, fail, or complete.
 */
export class OperationRunner {
  readonly #schema: GraphQLSchema;
  readonly #options: GuardedServerOptions<LatchkeyContext>;
  readonly #plugins: readonly ApolloServerPlugin<LatchkeyContext>[];

  constructor(schema: GraphQLSchema, options: GuardedServerOptions<LatchkeyContext>) {
    this.#schema = schema;
    this.#options = options;
    this.#plugins = (options.plugins as readonly ApolloServerPlugin<LatchkeyContext>[]).filter(
      (plugin) => 'requestDidStart' in plugin,
    );
  }

  async answer(known: KnownOperation, contextValue: LatchkeyContext): Promise<CompleteAnswer> {
    const http: HTTPGraphQLHead = { headers: new HeaderMap() };
    const { source, document, operation, operationName, variables } = known;
    const running = {
      schema: this.#schema,
      source,
      document,
      operation,
      operationName: operation.name?.value ?? null,
      request: { query: source, operationName, variables },
      contextValue,
      response: { http },
    } as Running;
    const listeners: Listener[] = [];
    for (const plugin of this.#plugins) {
      const listener = await plugin.requestDidStart?.(running as never);
      if (listener !== undefined) listeners.push(listener);
    }
    const { errors, data, extensions } = await this.#result(known, contextValue, running, listeners);
    const singleResult = { errors, data, extensions };
    running.response.body = { kind: 'single', singleResult };
    for (const listener of listeners) await listener.willSendResponse?.(running as never);
    http.headers.set('content-type', 'application/json; charset=utf-8');
    return { status: http.status ?? 200, headers: http.headers, body: `${JSON.stringify(singleResult)}\n` };
  }

  async #result(
    { operationName, variables }: KnownOperation,
    contextValue: LatchkeyContext,
    running: Running,
    listeners: readonly Listener[],
  ): Promise<FormattedExecutionResult> {
    let result: ExecutionResult;
    try {
      for (const listener of listeners) await listener.didResolveOperation?.(running as never);
      for (const listener of listeners) {
        if (listener.responseForOperation === undefined) continue;
        const given = await listener.responseForOperation(running as never);
        if (given?.body.kind === 'single') return given.body.singleResult;
      }
      for (const listener of listeners) {
        if (listener.executionDidStart !== undefined) await listener.executionDidStart(running as never);
      }
      result = await execute({
        schema: this.#schema,
        document: running.document,
        contextValue,
        variableValues: variables,
        operationName,
        ...(this.#options.executionOptions && { options: this.#options.executionOptions }),
      });
    } catch (error) {
      const { http } = running.response;
      const errors = await this.#told([asGraphQLError(error)], running, listeners);
      http.status ??= 500;
      return { errors };
    }
    if (result.errors === undefined) return result as FormattedExecutionResult;
    return { ...result, errors: await this.#told(result.errors, running, listeners) };
  }

  async #told(
    errors: readonly GraphQLError[],
    running: Running,
    listeners: readonly Listener[],
  ): Promise<GraphQLFormattedError[]> {
    running.errors = errors;
    for (const listener of listeners) await listener.didEncounterErrors?.(running as never);
    const { formatError = (formatted: GraphQLFormattedError) => formatted } = this.#options;
    return errors.map((error) => formatError(formatted(error, running.response.http), error));
  }
}

/** Formats an error with a code. Its HTTP status and headers move to the head of the response. */
function formatted(error: GraphQLError, head: HTTPGraphQLHead): GraphQLFormattedError {
  const { http, ...extensions } = { ...error.extensions };
  if (isHead(http)) {
    if (http.status !== undefined) head.status = http.status;
    for (const [name, value] of http.headers ?? []) head.headers.set(name, value);
  }
  extensions.code ??= INTERNAL_ERROR.extensions.code;
  return { ...error.toJSON(), extensions };
}

function isHead(http: unknown): http is Partial<HTTPGraphQLHead> {
  return typeof http === 'object' && http !== null;
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new GraphQLError(message, error instanceof Error ? { originalError: error } : {});
}
