import {
  execute,
  getOperationAST,
  GraphQLError,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import type { Latchkey } from '../../assembly/libraryApi.js';
import type { AuthenticatedPrincipal, LatchkeyContext } from '../../core/auth/principal.js';
import { printable } from '../../core/guard/printable.js';
import type { GuardedRequest, Operation } from '../../core/guard/request/guardedRequest.js';
import type { ReadDocument } from '../../core/guard/request/requestDocuments.js';
import { formattedError, PlainReply } from '../../core/guard/request/plainReply.js';
import type { Failed } from '../../core/streams/guardedSubscriptions.js';
import type { ResultStream } from '../../core/streams/resultStream.js';
import type { Connection } from './wsConnection.js';

interface OperationOptions {
  readonly latchkey: Pick<Latchkey, 'requests' | 'streams'>;
  readonly schema: GraphQLSchema;
  readonly connection: Connection;
  readonly payload: SubscribePayload;
  readonly context: LatchkeyContext;
  /** Called once, when an operation that was executed has ended. */
  readonly onEnd: () => void;
}

/** One operation of a connection: the steps of a request over HTTP, without its header fields and status. */
export class SocketOperation {
  readonly #options: OperationOptions;
  readonly #guarded: GuardedRequest;
  #operation: Operation | null = null;
  #read: ReadDocument | null = null;

  constructor(options: OperationOptions) {
    this.#options = options;
    this.#guarded = options.latchkey.requests.begin();
  }

  /** Returns why the operation may not run; null if it may. */
  async refuse(read: ReadDocument): Promise<readonly GraphQLFormattedError[] | null> {
    const { schema, payload, context } = this.#options;
    this.#read = read;
    this.#guarded.wasParsed = read.wasParsed;
    if (read.errors !== undefined) return this.#refused(read.errors);
    const { query: source, operationName, variables } = payload;
    const operation = getOperationAST(read.document, operationName);
    if (operation == null) return this.#refused([noOperation(operationName)]);
    const short = printable(schema, operation, variables ?? {});
    this.#operation = { schema, source, document: read.document, operation, variables: short };
    const refusal = await this.#guarded.authorize(this.#operation, context, { canFilter: true });
    if (refusal !== null) return this.#refused([refusal]);
    this.#operation = this.#guarded.executable(this.#operation);
    return null;
  }

  /** Returns the arguments with which graphql-ws calls {@link execute} or {@link subscribe}. */
  get args(): ExecutionArgs {
    const { schema, document, operation, variables } = this.#admitted();
    return {
      ...{ schema, document, rootValue: undefined, contextValue: this.#options.context },
      operationName: operation.name?.value,
      variableValues: variables,
    };
  }

  /** Runs a query or mutation. */
  async execute(): Promise<ExecutionResult> {
    try {
      return await this.#execute();
    } finally {
      this.#options.onEnd();
    }
  }

  async #execute(): Promise<ExecutionResult> {
    const { latchkey, context } = this.#options;
    const data = this.#guarded.readSchema(this.#admitted(), context);
    const { executionOptions: options } = latchkey.requests.bounds;
    this.#guarded.wasExecuted = data === null;
    const result = data === null ? await execute({ ...this.args, options }) : { data };
    return (await this.#finished(result)) as ExecutionResult;
  }

  /** Runs a subscription. */
  async subscribe(): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult> {
    const { latchkey, context, connection, onEnd } = this.#options;
    const contextFor = (principal: AuthenticatedPrincipal): LatchkeyContext => ({ ...context, principal });
    const admitted = { operation: this.#admitted(), context, contextFor };
    let stream: ResultStream | Failed | null = null;
    try {
      stream = await latchkey.streams.subscribe(admitted, connection.source, undefined, onEnd);
    } finally {
      if (stream === null || 'errors' in stream) onEnd();
    }
    if (!('errors' in stream)) return stream;
    return (await this.#finished({ errors: stream.errors })) as ExecutionResult;
  }

  /** Returns the errors of an operation that could not be run, for the caller. */
  async #refused(errors: readonly GraphQLError[]): Promise<readonly GraphQLFormattedError[]> {
    return (await this.#finished({ errors })).errors ?? [];
  }

  /** Bounds a result, and removes from it what its caller may not read. */
  async #finished({ data, errors, extensions }: ExecutionResult): Promise<FormattedExecutionResult> {
    const { schema, payload, context } = this.#options;
    if (errors !== undefined) this.#guarded.tell(errors, context);
    const result: FormattedExecutionResult = {
      ...(errors !== undefined && { errors: errors.map(formattedError) }),
      ...(data !== undefined && { data }),
      ...(extensions !== undefined && { extensions }),
    };
    const asked = {
      ...{ schema, context },
      written: [payload.query, payload.operationName ?? ''],
      document: this.#operation?.document ?? this.#read?.document,
      operation: this.#operation?.operation,
      variables: payload.variables ?? {},
    };
    const reply = new PlainReply(asked, result, errors);
    await this.#guarded.finish(reply);
    return result;
  }

  #admitted(): Operation {
    if (this.#operation === null) throw new Error('An operation was executed that was not checked.');
    return this.#operation;
  }
}

function noOperation(name: string | null | undefined): GraphQLError {
  const message =
    name == null
      ? 'The document has several operations. Send operationName.'
      : 'The document has no operation of that name. Correct operationName.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}
