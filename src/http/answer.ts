import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';
import type { GraphQLError, GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { LatchkeyContext } from '../credentials/principal.js';
import type { AnswerLimits } from '../guard/answer/limits.js';
import { refusalOfResult } from '../guard/answer/result.js';
import { telling } from '../guard/telling.js';
import { httpAnswer } from '../refusals/http.js';
import { Refusal } from '../refusals/refusal.js';
import type { LimitFields } from '../limits/fields.js';
import { isAuthored } from './errors.js';
import { writeLimitFields } from './limitHeaders.js';

/** An answer of Apollo Server that is about to leave. */
export type Answered = GraphQLRequestContextWillSendResponse<LatchkeyContext>;

/**
 * Puts a refusal in the place of an answer that is too large. Nothing of the answer is left: where the executor stopped, lists
 * are missing that would pass for empty ones.
 *
 * @returns the answer as the hooks after it should see it
 */
export function boundAnswer(answer: Answered, limits: AnswerLimits): Answered {
  const { response, operation, errors } = answer;
  if (response.body.kind !== 'single') return answer;
  const { singleResult } = response.body;
  const refusal = refusalOfResult(
    { ...(singleResult.data && { data: singleResult.data }), ...(errors && { errors }) },
    limits,
    operation,
  );
  if (refusal === null) return answer;
  delete singleResult.data;
  singleResult.errors = [{ message: refusal.message, extensions: refusal.details }];
  delete response.http.status;
  return { ...answer, errors: [refusal] };
}

/**
 * What was refused before it ran has its status by now. A refusal out of a resolver gives its own only to an answer
 * without data: GraphQL over HTTP wants 2xx wherever there is some.
 *
 * @param resourceMetadata for the challenge: see {@link httpAnswer}
 */
export function setStatus({ response, errors }: Answered, resourceMetadata: string | null): void {
  if (errors === undefined || response.body.kind !== 'single' || response.http.status !== undefined) return;
  const { singleResult } = response.body;
  // B31: a store that went away while the operation ran is 503 as well, unless some of it was answered.
  if (errors.length > 0 && errors.every(isUnavailable) && isEmpty(singleResult.data)) delete singleResult.data;
  if (singleResult.data != null) return;
  for (const error of errors) {
    const refusal = refusalIn(error);
    if (refusal === null) continue;
    const { status, headers } = httpAnswer(refusal, resourceMetadata);
    if (status === 200) continue;
    response.http.status = status;
    for (const [name, value] of headers) response.http.headers.set(name, value);
    return;
  }
}

/**
 * GraphQL's own messages, kept short, and in terms of what the caller may read of the schema (B42). They are those of
 * errors without a path; what a resolver says is for whoever may call it.
 *
 * @param readable the schema as the caller may read it
 */
export function retell(
  { response, request, errors, schema, document, operation }: Answered,
  readable: () => GraphQLSchema | null,
): void {
  if (response.body.kind !== 'single' || response.body.singleResult.errors === undefined) return;
  let tell: ReturnType<typeof telling> | null = null;
  response.body.singleResult.errors = response.body.singleResult.errors.map((formatted, i) => {
    const thrown = errors?.[i];
    if (formatted.path !== undefined) return formatted;
    if (thrown !== undefined && (refusalIn(thrown) !== null || isAuthored(thrown))) return formatted;
    tell ??= telling(schema, readable(), {
      document,
      operation,
      variables: request.variables,
      written: [request.query ?? '', request.operationName ?? ''],
    });
    return { ...formatted, message: tell(formatted) };
  });
}

function isUnavailable(error: GraphQLError): boolean {
  return refusalIn(error)?.details.code === 'UNAVAILABLE';
}

function isEmpty(data: Record<string, unknown> | null | undefined): boolean {
  return Object.values(data ?? {}).every((value) => value === null);
}

function refusalIn(error: GraphQLError): Refusal | null {
  if (error instanceof Refusal) return error;
  return error.originalError instanceof Refusal ? error.originalError : null;
}

/** As many errors as an answer tells of: a fault in a list of thousands is one fault. */
export const MAX_ERRORS = 20;

export function capErrors({ response }: Answered): void {
  if (response.body.kind !== 'single') return;
  const { errors } = response.body.singleResult;
  if (errors !== undefined && errors.length > 1) {
    response.body.singleResult.errors = withoutRepeats(errors).slice(0, MAX_ERRORS);
  }
}

/** A fault of the document that is repeated in it, such as one unknown directive ten times, is listed once. */
function withoutRepeats(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] {
  const seen = new Set<string>();
  return errors.filter(({ path, message }) => path !== undefined || (!seen.has(message) && seen.add(message)));
}

/**
 * Every answer to a key tells where its limits stand, refused and malformed requests too, which take nothing. And none
 * may be kept: what one key may see is not for another's eyes, whatever hints the schema gives (B32).
 */
export function setLimitFields({ response }: Answered, fields: LimitFields): void {
  const { headers } = response.http;
  writeLimitFields(fields, (name, value) => headers.set(name, value));
  const kept = headers.get('cache-control');
  if (kept === undefined || !/\b(?:private|no-store)\b/.test(kept)) headers.set('cache-control', 'private, no-store');
}
