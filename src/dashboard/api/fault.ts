import type { CombinedError } from '@urql/core';

/** What went wrong with a request, for a page to tell. `message` is for people. */
export type Fault =
  /** The credential counts no more. */
  | { readonly kind: 'signedOut'; readonly message: string }
  | { readonly kind: 'forbidden'; readonly message: string; readonly missing: readonly string[] }
  /** `retryAfter` in whole seconds from `at` on: room comes back, or the server does. `at` in ms since the epoch. */
  | {
      readonly kind: 'limited' | 'unavailable';
      readonly message: string;
      readonly retryAfter: number;
      readonly at: number;
    }
  /** Nothing answered. */
  | { readonly kind: 'offline'; readonly message: string; readonly at: number }
  /** The input was refused. `field` is the one at fault, as in `name`; null where it is none of them. */
  | { readonly kind: 'refused'; readonly message: string; readonly field: string | null; readonly code: string }
  | { readonly kind: 'failed'; readonly message: string };

/** In seconds, where an answer does not tell. */
const SOON = 5;

type Failure = Pick<CombinedError, 'graphQLErrors' | 'networkError'>;

/** One error has one fault: its moment is that at which it is looked at first. */
const known = new WeakMap<Failure, Fault>();

/** Judges by codes, never by the wording of messages. */
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
    // What fetch throws where no answer came (Fetch, section 5.6).
    return networkError === undefined || networkError instanceof TypeError
      ? { kind: 'offline', message: 'No response from the server.', at }
      : { kind: 'failed', message: 'Unexpected response from the server. Reload the page.' };
  }
  return refusalFault(error.message, error.extensions, at);
}

/** @param extensions of the answer's error @param at when it came, in ms since the epoch */
export function refusalFault(message: string, extensions: Readonly<Record<string, unknown>>, at: number): Fault {
  const { code } = extensions;
  switch (code) {
    case 'UNAUTHENTICATED':
      return { kind: 'signedOut', message };
    case 'FORBIDDEN':
      // The API's own words tell of fields and mutations, which nobody sees here.
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
