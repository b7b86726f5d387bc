import { GraphQLError, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import type { ForeignSource } from '../../core/auth/headerFields.js';
import type { ResultStream } from '../../core/streams/resultStream.js';
import type { GuardedRequest } from '../../core/guard/request/guardedRequest.js';
import { formattedError, PlainReply } from '../../core/guard/request/plainReply.js';

/** A result with data or errors, and Yoga's own extension for its status and header fields. */
export interface YogaResult {
  data?: Record<string, unknown> | null;
  errors?: readonly GraphQLError[];
  extensions?: Record<string, unknown>;
}

/** One request, from its arrival to its response. */
export class YogaRequest {
  readonly guarded: GuardedRequest;
  readonly schema: GraphQLSchema;
  context: LatchkeyContext = { principal: ANONYMOUS };
  /** The request, as its credential is found. */
  source: ForeignSource = { headers: {} };
  /** The results of a subscription; null: it is not open. */
  stream: ResultStream | null = null;
  text = '';
  operationName: string | null = null;
  variables: Record<string, unknown> = {};
  document: DocumentNode | undefined;
  operation: OperationDefinitionNode | null | undefined;
  /** The errors of the execution before they were formatted. */
  #thrown: readonly GraphQLError[] | null = null;
  #isFinished = false;

  constructor(guarded: GuardedRequest, schema: GraphQLSchema) {
    this.guarded = guarded;
    this.schema = schema;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /**
   * Returns the errors of an execution in the form for callers, before Yoga masks them. Yoga's own masking then leaves
   * them as they are, and calls a user's `maskError` with them.
   */
  format(errors: readonly GraphQLError[]): readonly GraphQLError[] {
    const thrown = errors.map(asGraphQLError);
    this.#thrown = thrown;
    this.guarded.tell(thrown, this.context);
    return thrown.map((error) => {
      const { message, extensions } = formattedError(error);
      const { nodes = null, source = null, positions = null, path = null } = error;
      return new GraphQLError(message, { nodes, source, positions, path, extensions: extensions ?? null });
    });
  }

  /** Completes a response, and returns it with its status and header fields. */
  async finish(result: YogaResult): Promise<YogaResult> {
    const { extensions: { http, ...extensions } = {}, ...rest } = result;
    const errors = this.#errorsOf(result);
    const shown = {
      ...rest,
      ...(errors && { errors: result.errors?.map((error) => formattedError(asGraphQLError(error))) }),
    };
    const reply = new PlainReply(this, shown as PlainReply['result'], errors);
    await this.#finish(reply);
    const own = (http ?? {}) as { status?: number; headers?: Record<string, string> };
    return {
      ...(reply.result as YogaResult),
      extensions: {
        ...extensions,
        http: {
          status: errors === undefined ? (own.status ?? reply.statusCode) : reply.statusCode,
          headers: { ...own.headers, ...Object.fromEntries(reply.headers) },
        },
      },
    };
  }

  /** Completes a response without a single result. @returns its header fields */
  async finishOther(): Promise<ReadonlyMap<string, string>> {
    const reply = new PlainReply(this, null, undefined);
    await this.#finish(reply);
    return reply.headers;
  }

  #finish(reply: PlainReply): Promise<void> {
    this.#isFinished = true;
    return this.guarded.finish(reply);
  }

  get written(): readonly string[] {
    return [this.text, this.operationName ?? ''];
  }

  #errorsOf({ errors }: YogaResult): readonly GraphQLError[] | undefined {
    if (errors === undefined || errors.length === 0) return undefined;
    // Another plugin may have added or removed some.
    if (this.#thrown?.length === errors.length) return this.#thrown;
    const thrown = errors.map(asGraphQLError);
    // Yoga has logged an error that it masks.
    this.guarded.tell(
      thrown.filter(({ extensions }) => extensions.unexpected !== true),
      this.context,
    );
    return thrown;
  }
}

/** Plugins can put any value into the errors of a result. */
function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const message = error instanceof Error ? error.message : 'Unexpected error.';
  return new GraphQLError(message, { originalError: error instanceof Error ? error : new Error(message) });
}
