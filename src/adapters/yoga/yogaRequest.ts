import { GraphQLError, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import type { ForeignSource } from '../../core/auth/headerFields.js';
import type { ResultStream } from '../../core/streams/resultStream.js';
import type { GuardedRequest } from '../../core/guard/request/guardedRequest.js';
import { formattedError, PlainReply } from '../../core/guard/request/plainReply.js';
import { whenDone } from '../../core/util/whenDone.js';

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
  /** The request in which the credential is looked up. */
  source: ForeignSource = { headers: {} };
  /** The results of a subscription; null if it is not open. */
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
  finish(result: YogaResult): YogaResult | Promise<YogaResult> {
    const errors = this.#errorsOf(result);
    const { extensions, ...rest } = result;
    const shown = rest as NonNullable<PlainReply['result']>;
    if (errors !== undefined) shown.errors = result.errors?.map((error) => formattedError(asGraphQLError(error))) ?? [];
    const reply = new PlainReply(this, shown, errors);
    return whenDone(this.#finish(reply), () => answerOf(reply, extensions));
  }

  /** Completes a response without a single result. @returns its header fields */
  finishOther(): ReadonlyMap<string, string> | Promise<ReadonlyMap<string, string>> {
    const reply = new PlainReply(this, null, undefined);
    return whenDone(this.#finish(reply), () => reply.headers);
  }

  #finish(reply: PlainReply): void | Promise<void> {
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

function answerOf(reply: PlainReply, given: YogaResult['extensions']): YogaResult {
  const headers = Object.fromEntries(reply.headers);
  const result = reply.result as YogaResult;
  const added = reply.result?.extensions;
  if (given === undefined) {
    result.extensions = { ...added, http: { status: reply.statusCode, headers } };
    return result;
  }
  const { http, ...extensions } = given;
  const own = (http ?? {}) as { status?: number; headers?: Record<string, string> };
  const status = reply.errors === undefined ? (own.status ?? reply.statusCode) : reply.statusCode;
  result.extensions = { ...extensions, ...added, http: { status, headers: { ...own.headers, ...headers } } };
  return result;
}

/** Plugins can put any value into the errors of a result. */
function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const message = error instanceof Error ? error.message : 'Unexpected error.';
  return new GraphQLError(message, { originalError: error instanceof Error ? error : new Error(message) });
}
