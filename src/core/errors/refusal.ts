import { GraphQLError } from 'graphql';
import { checkDetails } from './checkDetails.js';
import type { RefusalDetails } from './refusalDetails.js';

export type { RefusalCode, RefusalDetails, UnauthenticatedReason } from './refusalDetails.js';

/**
 * A refused request: an error with a code and fields. It is a GraphQLError, so that any GraphQL server shows them,
 * whether it is thrown by a resolver, a plugin or the context function. `message` says what is wrong and how to fix it,
 * and never repeats what the caller sent.
 *
 * @example
 * ```ts
 * import { Refusal } from 'latchkey';
 *
 * export function order(id: string): never {
 *   throw new Refusal(`There is no order ${id}.`, { code: 'NOT_FOUND' });
 * }
 * ```
 */
export class Refusal extends GraphQLError {
  readonly details: RefusalDetails;

  /** @throws TypeError if the details do not match their code */
  constructor(message: string, details: RefusalDetails, options?: { cause?: unknown }) {
    checkDetails(message, details);
    // A refusal is not a bug of the server, so a stack does not help, and would show the caller internals. Collecting it
    // would take a quarter of the time for an invalid key, and there may be floods of these.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, { extensions: { ...details } });
    Error.stackTraceLimit = stackTraceLimit;
    Object.defineProperty(this, 'stack', { value: undefined });
    this.details = details;
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/** Returns the refusal of the invalid argument at `path`. */
export function badInput(
  path: readonly (string | number)[],
  message: string,
  more: { known?: readonly string[] } = {},
): Refusal {
  return new Refusal(message, { code: 'BAD_USER_INPUT', path, ...more });
}

/**
 * Returns the same refusal for an object that does not exist and one of another workspace, so that callers cannot
 * distinguish them.
 */
export function notFound(what: string): Refusal {
  return new Refusal(`There is no such ${what}${what === 'workspace' ? '' : ' in this workspace'}. Check the ID.`, {
    code: 'NOT_FOUND',
  });
}

/**
 * Returns the refusal if something that Latchkey needs is unavailable or overloaded. Fails closed.
 *
 * @param retryAfter whole seconds
 */
export function unavailable(message: string, retryAfter: number, cause?: unknown): Refusal {
  return new Refusal(message, { code: 'UNAVAILABLE', retryAfter }, { cause });
}
