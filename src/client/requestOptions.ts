import { checkNames, isPromise, optionError } from '../shared/optionChecks.js';
import type { LatchkeyError } from './errors.js';

/**
 * The options of `request`.
 *
 * @example
 * ```ts
 * import { createClient, type RequestOptions } from 'latchkey/client';
 *
 * const options: RequestOptions = { signal: AbortSignal.timeout(5_000) };
 * await createClient().request('{ viewer { scopes } }', {}, options);
 * ```
 */
export interface RequestOptions {
  /** Aborts the request, also while it waits for the rate limit. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Required if the document has several operations. */
  readonly operationName?: string | undefined;
}

/**
 * The options of `subscribe`.
 *
 * @example
 * ```ts
 * import { createClient, type SubscribeOptions } from 'latchkey/client';
 *
 * const options: SubscribeOptions = { onReconnect: (cause) => console.warn(cause.code) };
 * for await (const event of createClient().subscribe('subscription { keyEvents { type } }', {}, options)) console.log(event);
 * ```
 */
export interface SubscribeOptions extends RequestOptions {
  /**
   * Called each time the stream is open again, with the error that closed it. Events in between are lost: query the
   * current state.
   */
  readonly onReconnect?: ((cause: LatchkeyError) => void) | undefined;
}

/**
 * Validates the arguments of `request`.
 *
 * @throws TypeError that names the invalid argument
 */
export function checkRequest(document: unknown, variables: unknown, options: unknown): void {
  checkOperation('request', document, variables);
  checkNames('request', options, ['signal', 'operationName']);
  checkCommon('request', options as RequestOptions);
}

/**
 * Validates the arguments of `subscribe`.
 *
 * @throws TypeError that names the invalid argument
 */
export function checkSubscription(document: unknown, variables: unknown, options: unknown): void {
  checkOperation('subscribe', document, variables);
  checkNames('subscribe', options, ['signal', 'operationName', 'onReconnect']);
  checkCommon('subscribe', options as SubscribeOptions);
  const { onReconnect } = options as SubscribeOptions;
  if (onReconnect !== undefined && typeof onReconnect !== 'function') {
    throw optionError('subscribe: onReconnect', onReconnect, 'a function');
  }
}

function checkOperation(of: string, document: unknown, variables: unknown): void {
  const { kind } = (typeof document === 'object' && document !== null ? document : {}) as { kind?: unknown };
  if (kind !== 'Document' && (typeof document !== 'string' || document.trim() === '')) {
    throw optionError(`${of}: document`, document, 'a non-empty string, or a DocumentNode as returned by gql', true);
  }
  if (variables === undefined || variables === null) return;
  if (typeof variables !== 'object' || Array.isArray(variables) || isPromise(variables)) {
    throw optionError(`${of}: variables`, variables, 'an object', true);
  }
}

function checkCommon(of: string, { signal, operationName }: RequestOptions): void {
  // Checked by its members: a polyfill or another realm has a different class.
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (signal !== undefined && (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')) {
    throw optionError(`${of}: signal`, signal, 'an AbortSignal');
  }
  if (operationName === undefined) return;
  if (typeof operationName !== 'string' || !/^[A-Za-z_][A-Za-z_0-9]*$/.test(operationName)) {
    throw optionError(`${of}: operationName`, operationName, 'the name of an operation in the document');
  }
}
