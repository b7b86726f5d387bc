import type {
  DocumentNode,
  GraphQLError,
  GraphQLFormattedError,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql';
import { httpAnswer } from '../../errors/http.js';
import { isAuthored } from '../../errors/publicErrors.js';
import { Refusal } from '../../errors/refusal.js';
import type { LimitFields } from '../../limits/limitFields.js';
import { writeLimitFields } from '../../limits/limitHeaders.js';
import type { AnswerLimits } from '../answer/answerLimits.js';
import { refusalOfResult } from '../answer/result.js';
import type { Denied } from '../denied/denied.js';
import { telling } from '../telling.js';

/**
 * A response that is about to be sent. Its result, status and header fields are changed in place.
 *
 * @example
 * ```ts
 * import type { Reply } from 'latchkey/adapter';
 *
 * export const isRefused = ({ result, status }: Reply): boolean => result?.data === undefined && status !== 200;
 * ```
 */
export interface Reply {
  readonly schema: GraphQLSchema;
  /** The context of the request, from any source. */
  readonly context: unknown;
  /** The text of the document, and the name of the operation, as the caller sent them. */
  readonly written: readonly string[];
  /** undefined if it was not parsed. */
  readonly document: DocumentNode | undefined;
  /** null or undefined if the document has no such operation. */
  readonly operation: OperationDefinitionNode | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  /** The errors before they were formatted, in the order of `result.errors`. */
  errors: readonly GraphQLError[] | undefined;
  /** null: a response in several parts, or of another server. */
  readonly result: Result | null;
  /** Whether another server runs the operation, so that its cost is settled later. Default: no. */
  readonly isForwarded?: boolean;
  /** undefined for the status of a response without errors. */
  status: number | undefined;
  /** Field names in lower case. */
  readonly headers: Pick<Map<string, string>, 'get' | 'set'>;
}

interface Result {
  data?: Record<string, unknown> | null;
  errors?: readonly GraphQLFormattedError[];
  extensions?: Record<string, unknown>;
}

/**
 * Replaces a response that is too large by a refusal. No data is kept, because lists are missing where the executor stopped, and the caller
 * would think that they are empty.
 */
export function boundReply(reply: Reply, limits: AnswerLimits): void {
  const { result, operation, errors } = reply;
  if (result === null) return;
  const refusal = refusalOfResult({ data: result.data, errors }, limits, operation);
  if (refusal !== null) replaceResult(reply, refusal);
}

/** Replaces the result of an operation by a refusal. */
export function replaceResult(reply: Reply, refusal: Refusal): void {
  const { result } = reply;
  if (result === null) return;
  delete result.data;
  result.errors = [{ message: refusal.message, extensions: refusal.details }];
  reply.status = undefined;
  reply.errors = [refusal];
}

/** Adds the fields that were left out of an operation: null, each with an error. */
export function addDenied(reply: Reply, denied: Denied, limits: AnswerLimits): void {
  const { result } = reply;
  if (result?.data == null) return;
  try {
    const { data, errors } = denied.complete(result.data, limits);
    result.data = data;
    if (errors.length > 0) result.errors = [...(result.errors ?? []), ...errors];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    replaceResult(reply, error);
  }
}

/**
 * Sets the status of a response whose resolver refused. Operations refused before they ran already have one. Only a
 * response without data gets the status of the refusal: GraphQL over HTTP requires 2xx if there is data.
 *
 * @param resourceMetadata for the challenge: see {@link httpAnswer}
 */
export function setStatus(reply: Reply, resourceMetadata: string | null): void {
  const { result, errors } = reply;
  if (errors === undefined || result === null || reply.status !== undefined) return;
  // B31: if the store fails while the operation runs, the status is also 503, unless there is some data. If a resolver checks a limit, as
  // for createApiKeys, the operation is refused as if it had been refused before it ran.
  if (errors.length > 0 && errors.every(hasOwnStatus) && isEmpty(result.data)) delete result.data;
  if (result.data != null) return;
  for (const error of errors) {
    const refusal = refusalIn(error);
    if (refusal === null) continue;
    const { status, headers } = httpAnswer(refusal, resourceMetadata);
    if (status === 200) continue;
    reply.status = status;
    for (const [name, value] of headers) reply.headers.set(name, value);
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
  { result, errors, schema, document, operation, variables, written }: Reply,
  readable: () => GraphQLSchema | null,
): void {
  if (result?.errors === undefined) return;
  let tell: ReturnType<typeof telling> | null = null;
  result.errors = result.errors.map((formatted, i) => {
    const thrown = errors?.[i];
    if (formatted.path !== undefined) return formatted;
    if (thrown !== undefined && (refusalIn(thrown) !== null || isAuthored(thrown))) return formatted;
    tell ??= telling(schema, readable(), { document, operation, variables, written });
    return { ...formatted, message: tell(formatted) };
  });
}

const WITH_STATUS: ReadonlySet<string | undefined> = new Set(['UNAVAILABLE', 'RATE_LIMITED', 'COST_EXCEEDS_BURST']);

function hasOwnStatus(error: GraphQLError): boolean {
  return WITH_STATUS.has(refusalIn(error)?.details.code);
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

export function capErrors({ result }: Reply): void {
  const errors = result?.errors;
  if (result !== null && errors !== undefined && errors.length > 1) {
    result.errors = withoutRepeats(errors).slice(0, MAX_ERRORS);
  }
}

/** Removes repeated faults of the document, such as the same unknown directive used ten times. */
function withoutRepeats(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] {
  const seen = new Set<string>();
  return errors.filter(({ path, message }) => path !== undefined || (!seen.has(message) && seen.add(message)));
}

/**
 * Adds the state of the limits to a response, even to a refused or malformed request. Forbids caching, even if the schema
 * has cache hints: a response for one key must not be shown to another (B32).
 */
export function setLimitFields({ headers }: Reply, fields: LimitFields): void {
  writeLimitFields(fields, (name, value) => headers.set(name, value));
  const kept = headers.get('cache-control');
  if (kept === undefined || !/\b(?:private|no-store)\b/.test(kept)) headers.set('cache-control', 'private, no-store');
}
