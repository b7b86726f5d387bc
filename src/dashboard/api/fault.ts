import type { CombinedError } from '@urql/core';

/** What went wrong with a request, for a page to tell. `message` is for people. */
export type Fault =
  /** The credential counts no more. */
  | { readonly kind: 'signedOut'; readonly message: string }
  | { readonly kind: 'forbidden'; readonly message: string; readonly missing: readonly string[] }
  /** `retryAfter` in whole seconds: room comes back, or the server does. */
  | { readonly kind: 'limited' | 'unavailable'; readonly message: string; readonly retryAfter: number }
  /** Nothing answered. */
  | { readonly kind: 'offline'; readonly message: string }
  /** The input was refused. `field` is the one at fault, as in `name`; null where it is none of them. */
  | { readonly kind: 'refused'; readonly message: string; readonly field: string | null }
  | { readonly kind: 'failed'; readonly message: string };

/** In seconds, where an answer does not tell. */
const SOON = 5;

/** Judges by codes, never by the wording of messages. */
export function faultOf({ graphQLErrors, networkError }: Pick<CombinedError, 'graphQLErrors' | 'networkError'>): Fault {
  const [error] = graphQLErrors;
  if (error === undefined) {
    return networkError instanceof TypeError || networkError === undefined
      ? { kind: 'offline', message: 'The server does not answer. It is asked again by itself.' }
      : { kind: 'failed', message: 'The server gave an answer that is none of its API. Load the page again.' };
  }
  const { message, extensions } = error;
  switch (extensions.code) {
    case 'UNAUTHENTICATED':
      return { kind: 'signedOut', message };
    case 'FORBIDDEN':
    case 'SCOPE_NOT_HELD':
      return { kind: 'forbidden', message, missing: wordsOf(extensions.missing) };
    case 'RATE_LIMITED':
      return { kind: 'limited', message, retryAfter: secondsOf(extensions.retryAfter) };
    case 'UNAVAILABLE':
      return { kind: 'unavailable', message, retryAfter: secondsOf(extensions.retryAfter) };
    case 'BAD_USER_INPUT':
      return { kind: 'refused', message, field: fieldOf(extensions.path) };
    case 'INTERNAL_SERVER_ERROR':
      return { kind: 'failed', message };
    default:
      return { kind: 'refused', message, field: null };
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
