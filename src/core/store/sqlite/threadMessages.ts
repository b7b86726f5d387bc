import type { WireError } from './wireErrors.js';

/** The data passed to a new thread. */
export interface ThreadData {
  /** There is one writer; all other threads are readers. */
  readonly role: 'writer' | 'reader';
  readonly dir: string;
  readonly file: string;
  /** How long a statement waits for another program's lock, in ms. */
  readonly busyTimeout: number;
}

/** An operation of the engine, such as `keys` and `list`. */
export interface Question {
  readonly part: string;
  readonly operation: string;
  readonly given: readonly unknown[];
  /** Whether it may share a transaction with others. */
  readonly joins?: true;
}

export interface Asked extends Question {
  /** How much longer a write may wait for another program's lock, in ms. */
  readonly patience: number;
}

export type Answer =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'error'; readonly error: WireError };

export type Answered =
  /** One for each operation of the message, in their order. */
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** The thread waits for the write lock, which another program has. Responses are defined below. */
  | { readonly kind: 'locked' };

/** The first messages of a thread. */
export type Opened =
  /** The file is being checked. One of the other messages follows. */
  { readonly kind: 'checking' } | { readonly kind: 'opened' } | { readonly kind: 'failed'; readonly error: WireError };
