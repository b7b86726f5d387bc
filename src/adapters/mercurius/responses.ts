import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import type { MercuriusContext } from 'mercurius';
import { formattedError } from '../../core/guard/request/plainReply.js';
import { withoutTokens } from '../../core/keys/withoutTokens.js';
import { whenDone } from '../../core/util/whenDone.js';
import type { Callbacks } from '../../shared/callbacks.js';
import type { AdapterParts } from './adapterParts.js';
import { unwrapped } from './mercuriusErrors.js';
import type { Result } from './mercuriusRequest.js';

/** Formats errors, and completes responses with their status and header fields. */
export class Responses {
  readonly #parts: AdapterParts;
  readonly #callbacks: Callbacks;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
    this.#callbacks = parts.guard.callbacks('latchkeyMercurius');
  }

  /** Returns the response to an operation with errors, each formatted. */
  format(
    execution: { readonly data?: unknown; readonly errors?: readonly GraphQLError[] },
    context: MercuriusContext,
  ): { statusCode: number; response: { data?: unknown; errors: GraphQLFormattedError[] } } {
    const { guard, logger, requests } = this.#parts;
    const asked = requests.ofContext(context);
    const thrown = (execution.errors ?? []).flatMap(unwrapped);
    const guarded = asked?.guarded ?? guard.begin(logger);
    guarded.tell(thrown, asked?.context ?? context);
    if (asked !== null) asked.thrown = thrown;
    const errors = thrown.map((error) => this.#shown(formattedError(error), error));
    // Replaced when the response is completed.
    return { statusCode: 200, response: { ...('data' in execution && { data: execution.data }), errors } };
  }

  #shown(ours: GraphQLFormattedError, error: GraphQLError): GraphQLFormattedError {
    const { formatError } = this.#parts.options;
    if (formatError === undefined) return ours;
    return this.#callbacks.ask('formatError', () => withoutTokens(formatError({ ...ours }, error)), {
      isValid: (value): value is GraphQLFormattedError => typeof value === 'object' && value !== null,
      allowed: 'an object with message',
      otherwise: ours,
    });
  }

  /** Completes a response: bounds it, and sets its status and header fields. @returns the payload to send */
  finish(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const asked = this.#parts.requests.of(request);
    if (asked === null || asked.isFinished || typeof payload !== 'object' || payload === null) return payload;
    const { extensions, ...result } = payload as Result & { readonly extensions?: object };
    // Without the property, instead of with an undefined value.
    if (result.data === undefined) delete result.data;
    return whenDone(asked.finish(result), (done) => {
      reply.code(done.statusCode);
      for (const [name, value] of done.headers) reply.header(name, value);
      return extensions === undefined
        ? done.result
        : { ...done.result, extensions: { ...extensions, ...done.result?.extensions } };
    });
  }
}
