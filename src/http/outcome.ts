import type { LatchkeyContext } from '../credentials/principal.js';
import type { Answered } from './answer.js';
import { INTERNAL_ERROR } from './errors.js';

/** What became of a request, as the log, metrics and spans report it. Of a caller's text it holds only `operationName`. */
export interface Outcome {
  /** `ok`; the code of the refusal or of the request's fault, as in RATE_LIMITED; `error` for a fault of the server's. */
  word: string;
  /** Of the GraphQL operation; null where none was found. */
  operation: 'query' | 'mutation' | 'subscription' | null;
  /** The operation's name, for spans only: the caller chooses it. null where it has none. */
  operationName: string | null;
  /** Ms until a stream began; null: the answer is none. */
  begunAfter: number | null;
  /** Whether the plugin answered the request, and counted it where it had to be counted. */
  isJudged: boolean;
}

/** A GraphQL context that is told the outcome. */
export interface TellingContext extends LatchkeyContext {
  /** The request's own, and shared: Apollo Server copies contexts. */
  readonly outcome: Outcome;
}

/** Reads the outcome off the answer, as it leaves, where the context wants to be told. */
export function tellOutcome({ response: { body }, operation, contextValue }: Answered): void {
  const { outcome } = contextValue as Partial<TellingContext>;
  if (outcome === undefined) return;
  outcome.isJudged = true;
  outcome.operation = operation?.operation ?? null;
  outcome.operationName = operation?.name?.value ?? null;
  if (body.kind !== 'single' || body.singleResult.errors === undefined) return;
  const codes = body.singleResult.errors.map(({ extensions }) => extensions?.code);
  // A fault of ours is what has to be found, whatever else was wrong.
  if (codes.includes(INTERNAL_ERROR.extensions.code)) outcome.word = 'error';
  else if (typeof codes[0] === 'string') outcome.word = codes[0];
}

/** The outcome of an answer by its status, where nothing told more: it was given before anything else saw the request. */
export function outcomeWord({ word }: Outcome, status: number): string {
  if (word !== 'ok' || status < 400) return word;
  return status < 500 ? 'BAD_REQUEST' : 'error';
}
