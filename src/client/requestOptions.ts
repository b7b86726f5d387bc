import { checkNames, isPromise, optionError } from '../options.js';
import type { LatchkeyError } from './errors.js';

export interface RequestOptions {
  /** Rejects with its reason, while waiting for a turn too. */
  readonly signal?: AbortSignal | undefined;
  /** Needed where the document has several operations. */
  readonly operationName?: string | undefined;
}

export interface SubscribeOptions extends RequestOptions {
  /**
   * Called each time that the stream is open again, with what broke it off. What happened in between was told to nobody:
   * query what is now.
   */
  readonly onReconnect?: ((cause: LatchkeyError) => void) | undefined;
}

/** Checks what is passed to `request`. @throws TypeError that names what is wrong */
export function checkRequest(document: unknown, variables: unknown, options: unknown): void {
  checkOperation('request', document, variables);
  checkNames('request', options, ['signal', 'operationName']);
  checkCommon('request', options as RequestOptions);
}

/** Checks what is passed to `subscribe`. @throws TypeError that names what is wrong */
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
    throw optionError(
      `${of}: document`,
      document,
      'a string that is not empty, or a DocumentNode, such as gql returns',
      true,
    );
  }
  if (variables === undefined || variables === null) return;
  if (typeof variables !== 'object' || Array.isArray(variables) || isPromise(variables)) {
    throw optionError(`${of}: variables`, variables, 'an object of names and values', true);
  }
}

function checkCommon(of: string, { signal, operationName }: RequestOptions): void {
  // Not by its class: a polyfill, or another realm, has its own.
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (signal !== undefined && (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')) {
    throw optionError(`${of}: signal`, signal, 'an AbortSignal');
  }
  if (operationName === undefined) return;
  if (typeof operationName !== 'string' || !/^[A-Za-z_][A-Za-z_0-9]*$/.test(operationName)) {
    throw optionError(`${of}: operationName`, operationName, 'the name of an operation in the document');
  }
}
