import type { LatchkeyContext } from '../../auth/principal.js';
import { INTERNAL_ERROR } from '../../errors/publicErrors.js';
import type { Reply } from './reply.js';

/** The result of a request, for the log, metrics and spans. `operationName` is the only text from the caller. */
export interface Outcome {
  /** `ok`; the code of the refusal or request fault, such as RATE_LIMITED; or `error` for a fault of the server. */
  word: string;
  /** The type of the GraphQL operation; null if there is none. */
  operation: 'query' | 'mutation' | 'subscription' | null;
  /** The operation's name, only for spans, because the caller chooses it; null if it has none. */
  operationName: string | null;
  /** Ms until a stream started; null if the response is not a stream. */
  begunAfter: number | null;
  /** Whether the request was guarded, and counted if necessary. */
  isJudged: boolean;
}

/** A GraphQL context in which the outcome is recorded. */
export interface TellingContext extends LatchkeyContext {
  /** One object for each request. Servers copy contexts, and the copies share it. */
  readonly outcome: Outcome;
}

/** Records the outcome when the response is sent, if the context has one. */
export function tellOutcome({ result, operation, context }: Reply): void {
  const { outcome } = (context ?? {}) as Partial<TellingContext>;
  if (outcome === undefined) return;
  outcome.isJudged = true;
  outcome.operation = operation?.operation ?? null;
  outcome.operationName = operation?.name?.value ?? null;
  if (result?.errors === undefined) return;
  const codes = result.errors.map(({ extensions }) => extensions?.code);
  // A fault of the server is more important than the caller's faults.
  if (codes.includes(INTERNAL_ERROR.extensions.code)) outcome.word = 'error';
  else if (typeof codes[0] === 'string') outcome.word = codes[0];
}

/** Returns the outcome of a response, derived from its status if it was sent before anything recorded an outcome. */
export function outcomeWord({ word }: Pick<Outcome, 'word'>, status: number): string {
  if (word !== 'ok' || status < 400) return word;
  return status < 500 ? 'BAD_REQUEST' : 'error';
}
