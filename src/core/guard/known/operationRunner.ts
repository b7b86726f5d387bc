import {
  execute,
  GraphQLError,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { LatchkeyContext } from '../../auth/principal.js';
import type { Refusal } from '../../errors/refusal.js';
import { isPromise } from '../answer/promise.js';
import type { GuardedRequest, Operation } from '../request/guardedRequest.js';
import { PlainReply } from '../request/plainReply.js';
import type { Reply } from '../request/reply.js';
import type { RequestGuard } from '../request/requestGuard.js';
import type { Logger } from '../request/requestGuardOptions.js';
import type { KnownOperation, KnownOperations } from './knownOperations.js';
import { executePlan } from './plan/executePlan.js';

const NO_OPTIONS = {};

/** A complete response to an operation. */
export interface CompleteAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface OperationRunnerOptions {
  readonly schema: GraphQLSchema;
  readonly known: Pick<KnownOperations, 'planOf'>;
  readonly guard: RequestGuard;
  /** Formats an error as it is sent. */
  readonly format: (error: GraphQLError) => GraphQLFormattedError;
  readonly executionOptions?: ExecutionArgs['options'] | undefined;
  /** The options of the server. Default: the guard's own log. */
  readonly logger?: Logger | undefined;
}

/**
 * Checks and runs known operations, with only the steps of {@link RequestGuard} and of an execution. Responses are those of Apollo
 * Server, whose own steps are the same for each request of a document (a hash of its text, content negotiation, promises for
 * unused hooks), and together take longer than the whole guard.
 */
export class OperationRunner {
  readonly #options: OperationRunnerOptions;

  constructor(options: OperationRunnerOptions) {
    this.#options = options;
  }

  /** @returns not a promise if neither the limits nor the resolvers wait for anything */
  answer(known: KnownOperation, context: LatchkeyContext): CompleteAnswer | Promise<CompleteAnswer> {
    return new Run(this.#options, known, context).begin();
  }
}

/** One request. */
class Run {
  readonly #options: OperationRunnerOptions;
  readonly #known: KnownOperation;
  readonly #context: LatchkeyContext;
  readonly #guarded: GuardedRequest;
  readonly #operation: Operation;

  constructor(options: OperationRunnerOptions, known: KnownOperation, context: LatchkeyContext) {
    this.#options = options;
    this.#known = known;
    this.#context = context;
    this.#guarded = options.guard.begin(options.logger);
    const { source, document, operation, variables = {} } = known;
    this.#operation = { schema: options.schema, source, document, operation, variables };
  }

  begin(): CompleteAnswer | Promise<CompleteAnswer> {
    const refusal = this.#guarded.authorize(this.#operation, this.#context, { canFilter: true });
    return refusal instanceof Promise ? refusal.then((late) => this.#decided(late)) : this.#decided(refusal);
  }

  #decided(refusal: Refusal | null): CompleteAnswer | Promise<CompleteAnswer> {
    if (refusal !== null) return this.#failed(refusal);
    const data = this.#guarded.readSchema(this.#operation, this.#context);
    if (data !== null) return this.#executed({ data });
    if (this.#guarded.denied !== null) this.#guarded.wasExecuted = true;
    let result: ExecutionResult | Promise<ExecutionResult>;
    try {
      result = this.#execute();
    } catch (error) {
      return this.#failed(error);
    }
    if (!isPromise(result)) return this.#executed(result);
    return result.then(
      (late) => this.#executed(late),
      (error: unknown) => this.#failed(error),
    );
  }

  #execute(): ExecutionResult | Promise<ExecutionResult> {
    const { schema, known, executionOptions = NO_OPTIONS } = this.#options;
    const { operationName, variables } = this.#known;
    const plan = this.#guarded.denied === null ? known.planOf(this.#known) : null;
    if (plan !== null) {
      return executePlan(plan, { contextValue: this.#context, variableValues: variables, options: executionOptions });
    }
    return execute({
      schema,
      document: this.#guarded.executable(this.#operation).document,
      contextValue: this.#context,
      variableValues: variables,
      operationName,
      options: executionOptions,
    });
  }

  #failed(error: unknown): CompleteAnswer | Promise<CompleteAnswer> {
    return this.#executed({ errors: [asGraphQLError(error)] });
  }

  #executed({ errors, data, extensions }: ExecutionResult): CompleteAnswer | Promise<CompleteAnswer> {
    if (errors !== undefined) this.#guarded.tell(errors, this.#context);
    const result: NonNullable<Reply['result']> = {};
    if (errors !== undefined) result.errors = errors.map(this.#options.format);
    if (data !== undefined) result.data = data;
    if (extensions !== undefined) result.extensions = extensions;
    const { schema, document, operation, variables } = this.#operation;
    const { source, operationName = '' } = this.#known;
    const reply = new PlainReply(
      { schema, context: this.#context, written: [source, operationName], document, operation, variables },
      result,
      errors,
    );
    const finished = this.#guarded.finish(reply);
    return finished === undefined ? complete(reply) : finished.then(() => complete(reply));
  }
}

function complete(reply: PlainReply): CompleteAnswer {
  reply.headers.set('content-type', 'application/json; charset=utf-8');
  return { status: reply.statusCode, headers: reply.headers, body: `${JSON.stringify(reply.result)}\n` };
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new GraphQLError(message, error instanceof Error ? { originalError: error } : {});
}
