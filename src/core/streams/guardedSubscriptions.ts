import { createSourceEventStream, execute, type ExecutionResult, type GraphQLError } from 'graphql';
import type { AuthenticatedPrincipal, LatchkeyContext, Principal } from '../auth/principal.js';
import { INTERNAL_ERROR, publicForm, settle, untold } from '../errors/publicErrors.js';
import { unavailable } from '../errors/refusal.js';
import type { AnswerLimits } from '../guard/answer/answerLimits.js';
import { jsonSize } from '../guard/answer/size.js';
import { refusalOfResult } from '../guard/answer/result.js';
import type { Authorizer, DecisionLog } from '../guard/authorize.js';
import { documentBounds } from '../guard/document/documentBounds.js';
import { retainedBytes } from '../guard/document/retainedBytes.js';
import type { Operation } from '../guard/request/guardedRequest.js';
import { MAX_ERRORS } from '../guard/request/reply.js';
import type { Limits } from '../limits/limits.js';
import { EventMeter } from './eventMeter.js';
import type { OpenStreams } from './openStreams.js';
import { Subscription } from './subscription.js';

/** Maximum number of bytes in the data of one event, because it may wait for slow readers. */
const MAX_EVENT_BYTES = 2 ** 20;

interface GuardedSubscriptionsOptions<Message> {
  readonly authorizer: Authorizer;
  readonly limits: Limits;
  readonly streams: OpenStreams;
  readonly log: Pick<DecisionLog, 'admitted' | 'costed' | 'refused'>;
  /** The limits for requests. They apply to each event, too. */
  readonly answer: AnswerLimits;
  /** Returns the message with a result. */
  readonly messageOf: (result: object) => Message;
  /** Logs an error that is hidden from the caller, or the cause of a refusal. */
  readonly report: (error: unknown, context: LatchkeyContext) => void;
}

/** A subscription that was authorized. */
export interface Admitted<Context extends LatchkeyContext> {
  readonly operation: Operation;
  /** The context of the request. */
  readonly context: Context;
  readonly rootValue?: unknown;
  /** Returns the context for an event. It must be a new object: data that resolvers add to it must not outlive the event. */
  readonly contextFor: (principal: AuthenticatedPrincipal) => Context;
}

/** A subscription, and the check of its readers. */
export interface Opened<Message> {
  readonly subscription: Subscription<Message>;
  /** @throws Refusal if this principal may not run the operation */
  readonly check: (principal: AuthenticatedPrincipal) => void;
}

/** The source stream did not open. */
export interface Failed {
  readonly errors: readonly GraphQLError[];
}

/** Opens the source streams of admitted subscriptions, and executes their events. */
export class GuardedSubscriptions<Message> {
  readonly #options: GuardedSubscriptionsOptions<Message>;
  readonly #executionOptions = documentBounds().executionOptions;
  readonly #answerLimits: AnswerLimits;
  /** Bytes that the open subscriptions keep in memory: documents and variables. */
  #kept = 0;

  constructor(options: GuardedSubscriptionsOptions<Message>) {
    this.#options = options;
    const { fields, bytes } = options.answer;
    this.#answerLimits = { fields, bytes: Math.min(bytes, MAX_EVENT_BYTES) };
  }

  /**
   * Opens the source stream of a subscription.
   *
   * @param onEnd called once, when the subscription has ended
   * @throws Refusal UNAVAILABLE, or what a resolver threw
   */
  async open<Context extends LatchkeyContext>(
    admitted: Admitted<Context>,
    onEnd: () => void = () => undefined,
  ): Promise<Opened<Message> | Failed> {
    const free = this.#keep(admitted.operation);
    try {
      const { schema, document, operation, variables } = admitted.operation;
      const source = await createSourceEventStream({
        schema,
        document,
        rootValue: admitted.rootValue,
        contextValue: admitted.context,
        variableValues: variables,
        operationName: operation.name?.value,
      });
      if ('errors' in source) {
        free();
        return { errors: source.errors ?? [] };
      }
      return this.#opened((source as AsyncIterable<unknown>)[Symbol.asyncIterator](), admitted, () => {
        free();
        onEnd();
      });
    } catch (error) {
      free();
      throw error;
    }
  }

  /** Returns the form of an error for callers, and logs what it hides. */
  told(error: unknown, context: LatchkeyContext) {
    if (!isGraphQLError(error)) {
      this.#options.report(error, context);
      return INTERNAL_ERROR;
    }
    settle(error);
    const kept = untold(error);
    if (kept !== undefined) this.#options.report(kept, context);
    const { http: _, ...extensions } = error.extensions;
    return publicForm({ ...error.toJSON(), extensions }, error);
  }

  #opened<Context extends LatchkeyContext>(
    source: AsyncIterator<unknown>,
    admitted: Admitted<Context>,
    onEnd: () => void,
  ): Opened<Message> {
    const { authorizer, streams, limits, log, messageOf } = this.#options;
    const { schema, document, operation, variables } = admitted.operation;
    const { counted, cost, category, weighed } = authorizer.prepare(schema).compile(document, operation, variables);
    const meter = new EventMeter({
      limits,
      cost,
      units: authorizer.unitsOf({ cost, weighed }, variables),
      category,
      admitted: (principal) => log.admitted(principal, cost, counted),
      refused: (principal, refusal) => log.refused(principal, refusal, counted),
    });
    const subscription = new Subscription<Message>({
      source,
      messageOf,
      turns: streams.turns,
      bytes: streams.bytes,
      bytesOf: streams.bytesOf,
      meter,
      answer: async (event, principal) => {
        const result: ExecutionResult = await this.#answer(event, admitted.contextFor(principal), admitted.operation);
        const actual = result.errors === undefined ? weighed?.measure(result.data ?? {}, variables) : null;
        if (actual != null) meter.settle(actual);
        const units = actual ?? weighed?.estimate(variables);
        if (units !== undefined) log.costed(principal, units, counted);
        return result;
      },
      onEnd,
    });
    let passed: Principal | null = null;
    const check = (principal: AuthenticatedPrincipal): void => {
      if (principal === passed) return;
      const refusal = authorizer.review({ ...admitted.operation, principal });
      if (refusal !== null) throw refusal;
      passed = principal;
    };
    return { subscription, check };
  }

  /**
   * Counts the memory of a subscription.
   *
   * @returns a function to call when the memory is free again
   * @throws Refusal UNAVAILABLE
   */
  #keep({ document, variables }: Operation): () => void {
    const { max } = this.#options.streams.bytes;
    const bytes = retainedBytes(document) + 2 * jsonSize(variables, max);
    if (this.#kept + bytes > max) throw full();
    this.#kept += bytes;
    let isKept = true;
    return () => {
      if (isKept) this.#kept -= bytes;
      isKept = false;
    };
  }

  async #answer(
    event: unknown,
    context: LatchkeyContext,
    { schema, document, operation, variables }: Operation,
  ): Promise<object> {
    const result = await execute({
      schema,
      document,
      rootValue: event,
      contextValue: context,
      variableValues: variables,
      operationName: operation.name?.value,
      options: this.#executionOptions,
    });
    // Replaces only this event: the response for another event may be small enough.
    const refusal = refusalOfResult(result, this.#answerLimits, operation);
    if (refusal !== null) return { errors: [this.told(refusal, context)] };
    if (result.errors === undefined) return result;
    return { ...result, errors: result.errors.slice(0, MAX_ERRORS).map((error) => this.told(error, context)) };
  }
}

function full(): Error {
  return unavailable(
    'Open subscriptions use all the memory that is allowed for them. Try again in 5 s. Operators: to allow more, raise MAX_STREAM_BYTES.',
    5,
  );
}

function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof Error && 'toJSON' in error && 'extensions' in error;
}
