import type { CombinedError } from '@urql/core';

/** Why a request failed. `message` is for people. */
export type Fault =
  /** The credential is no longer valid. */
  | { readonly kind: 'signedOut'; readonly message: string }
  | { readonly kind: 'forbidden'; readonly message: string; readonly missing: readonly string[] }
  /** The request can be repeated `retryAfter` seconds after `at`, which is in ms since the epoch. */
  | {
      readonly kind: 'limited' | 'unavailable';
      readonly message: string;
      readonly retryAfter: number;
      readonly at: number;
    }
  /** There was no response. */
  | { readonly kind: 'offline'; readonly message: string; readonly at: number }
  /** The input is invalid. `field` is the invalid field, such as `name`; null if no single field is. */
  | { readonly kind: 'refused'; readonly message: string; readonly field: string | null; readonly code: string }
  | { readonly kind: 'failed'; readonly message: string };

/** The default for Retry-After, in seconds. */
const SOON = 5;

type Failure = Pick<CombinedError, 'graphQLErrors' | 'networkError'>;

/** Returns the same fault for the same error, so that `at` is the time when the error arrived. */
const known = new WeakMap<Failure, Fault>();

/** Returns the fault of an error. It depends on codes, never on the wording of messages. */
export function faultOf(error: Failure): Fault {
  let fault = known.get(error);
  if (fault === undefined) {
    fault = judge(error, Date.now());
    known.set(error, fault);
  }
  return fault;
}

function judge({ graphQLErrors: [error], networkError }: Failure, at: number): Fault {
  if (error === undefined) {
    // Thrown by fetch if there was no response (Fetch, section 5.6).
    return networkError === undefined || networkError instanceof TypeError
      ? { kind: 'offline', message: 'No response from the server.', at }
      : { kind: 'failed', message: 'Unexpected response from the server. Reload the page.' };
  }
  return refusalFault(error.message, error.extensions, at);
}

/**
 * Returns the fault for an error of the API.
 *
 * @param extensions of the error in the response
 * @param at when it arrived, in ms since the epoch
 */
export function refusalFault(message: string, extensions: Readonly<Record<string, unknown>>, at: number): Fault {
  const { code } = extensions;
  switch (code) {
    case 'UNAUTHENTICATED':
      return { kind: 'signedOut', message };
    case 'FORBIDDEN':
      // The message of the API names fields and mutations, which the dashboard does not show.
      return {
        kind: 'forbidden',
        message: 'Your key does not have permission to do this.',
        missing: wordsOf(extensions.missing),
      };
    case 'SCOPE_NOT_HELD':
      return { kind: 'forbidden', message, missing: wordsOf(extensions.missing) };
    case 'RATE_LIMITED':
      return { kind: 'limited', message, retryAfter: secondsOf(extensions.retryAfter), at };
    case 'UNAVAILABLE':
      return { kind: 'unavailable', message, retryAfter: secondsOf(extensions.retryAfter), at };
    case 'INTERNAL_SERVER_ERROR':
      return { kind: 'failed', message };
    default:
      return { kind: 'refused', message, field: fieldOf(extensions.path), code: typeof code === 'string' ? code : '' };
  }
}

function wordsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}

function secondsOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : SOON;
}

function fieldOf(path: unknown): string | null {
  const [input, field] = wordsOf(path);
  return input === 'input' ? (field ?? null) : null;
}
