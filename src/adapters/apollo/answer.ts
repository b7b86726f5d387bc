import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';
import type { GraphQLError, GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { refusalOfResult } from '../../core/guard/answer/result.js';
import { telling } from '../../core/guard/telling.js';
import { httpAnswer } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { LimitFields } from '../../core/limits/limitFields.js';
import { isAuthored } from './formatError.js';
import { writeLimitFields } from '../../core/limits/limitHeaders.js';

/** A response of Apollo Server that is about to be sent. */
export type Answered = GraphQLRequestContextWillSendResponse<LatchkeyContext>;

/**
 * Replaces a response that is too large by a refusal. No data is kept: where the executor stopped, lists are missing,
 * and the caller would take them for empty ones.
 *
 * @returns the response for the hooks that follow
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
 * Sets the status of a response whose resolver refused. Operations refused before they ran already have one. Only a
 * response without data gets the status of the refusal: GraphQL over HTTP requires 2xx if there is data.
 *
 * @param resourceMetadata for the challenge: see {@link httpAnswer}
 */
export function setStatus({ response, errors }: Answered, resourceMetadata: string | null): void {
  if (errors === undefined || response.body.kind !== 'single' || response.http.status !== undefined) return;
  const { singleResult } = response.body;
  // B31: if the store fails while the operation runs, the status is also 503, unless there is some data.
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
 * Shortens graphql-js's messages, and removes names that the caller may not read in the schema (B42). Affects only
 * errors without a path: a message from a resolver is for callers who may use its field.
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

/** The maximum number of errors in a response. A fault in a list can repeat thousands of times. */
export const MAX_ERRORS = 20;

export function capErrors({ response }: Answered): void {
  if (response.body.kind !== 'single') return;
  const { errors } = response.body.singleResult;
  if (errors !== undefined && errors.length > 1) {
    response.body.singleResult.errors = withoutRepeats(errors).slice(0, MAX_ERRORS);
  }
}

/** Removes repeated faults of the document, such as the same unknown directive used ten times. */
function withoutRepeats(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] {
  const seen = new Set<string>();
  return errors.filter(({ path, message }) => path !== undefined || (!seen.has(message) && seen.add(message)));
}

/**
 * Adds the state of the limits to a response, also to one for a refused or malformed request. Forbids caching, even if the schema
 * has cache hints: a response for one key must not be shown to another (B32).
 */
export function setLimitFields({ response }: Answered, fields: LimitFields): void {
  const { headers } = response.http;
  writeLimitFields(fields, (name, value) => headers.set(name, value));
  const kept = headers.get('cache-control');
  if (kept === undefined || !/\b(?:private|no-store)\b/.test(kept)) headers.set('cache-control', 'private, no-store');
}
