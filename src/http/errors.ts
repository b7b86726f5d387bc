import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { Refusal } from '../refusals/refusal.js';
import { unreported } from '../store/errors.js';
import { withoutTokens } from './withoutTokens.js';

/** What a caller is told of a fault that is not theirs. */
export const INTERNAL_ERROR = {
  message:
    "Something went wrong on the server. Try again; if it happens again, give the operator this response's X-Request-Id.",
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
} as const;

/** Longer chains of causes are not followed. */
const MAX_DEPTH = 10;

/** graphql-js reports these with an error that has no code. */
const TOO_MANY_FAULTS = 'Too many errors processing variables';

/**
 * Returns the code under which an error may leave the server, or null if it must be hidden.
 *
 * An error may leave if somebody wrote it for callers: a refusal, an error of Apollo Server about the request, a
 * `GraphQLError` whose author gave it a code or a status from 400 to 499, or an error of graphql-js about the request. Every
 * other error is a fault of the server, and its message may hold addresses, queries or credentials of its back ends.
 */
export function publicCode(error: unknown): string | number | null {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    if (!isGraphQLError(current)) return null;
    if (!isWrapper(current)) return codeOf(current) ?? codeOfRequestFault(current);
    current = current.originalError;
  }
  return null;
}

/**
 * The last look at an error before it leaves. Errors without a {@link publicCode} are replaced by {@link INTERNAL_ERROR}. No
 * token leaves, even if the caller put one into a query.
 */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const code = publicCode(error);
  if (code === null) return { ...INTERNAL_ERROR, ...(formatted.path !== undefined && { path: formatted.path }) };
  const message = REMEDIES.get(formatted.message) ?? formatted.message;
  return withoutTokens({ ...formatted, message, extensions: { ...formatted.extensions, code } });
}

/** What is said instead of messages of Apollo Server that don't say what to do. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'Operation batching disabled.',
    'Batches of operations are not supported: the body is a JSON array. Send one request for each operation, with a JSON object such as {"query": "..."}.',
  ],
  [
    'POST body missing, invalid Content-Type, or JSON object has no keys.',
    'The body has no operation. Send Content-Type: application/json and a JSON object such as {"query": "..."}.',
  ],
]);

/**
 * Returns what {@link formatError} hides and the server's log should have: a hidden error, or the cause of a refusal unless the
 * log has it already.
 */
export function untold(error: unknown): unknown {
  const original = unwrapResolverError(error);
  if (original instanceof Refusal) return unreported(original.cause);
  return publicCode(error) === null ? unreported(original) : undefined;
}

/**
 * Gives an error that was met while an operation ran the code that {@link publicCode} finds. Takes from a hidden error the
 * HTTP status and headers that it would give the answer, which are as unintended as its message.
 */
export function settle(error: GraphQLError): void {
  const { code, http, ...others } = error.extensions;
  const found = publicCode(error);
  // Assigned and not changed in place: the object may be the thrown error's own, and frozen.
  if (found === null) {
    if (http !== undefined) Object.assign(error, { extensions: others });
  } else if (code === undefined) {
    const isUnrunnable = found === 'OPERATION_RESOLUTION_FAILURE';
    Object.assign(error, {
      extensions: { ...error.extensions, ...(isUnrunnable && { http: { status: 400 } }), code: found },
    });
  }
}

/** Does the error have a code that its author chose, and not Apollo Server or graphql-js? Its message is the author's. */
export function isAuthored(error: GraphQLError): boolean {
  return error.nodes === undefined && !OF_APOLLO.has(error.extensions.code) && publicCode(error) !== null;
}

const OF_APOLLO: ReadonlySet<unknown> = new Set([
  undefined,
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
]);

/** A `GraphQLError` of another copy of graphql-js counts as well. */
function isGraphQLError(error: unknown): error is GraphQLError {
  if (error instanceof GraphQLError) return true;
  return error instanceof Error && Object.prototype.toString.call(error) === '[object GraphQLError]';
}

/** Did graphql-js or Apollo Server put this error around another one, so that its message and code are the other's? */
function isWrapper({ originalError, message, path, extensions }: GraphQLError): boolean {
  if (originalError == null) return false;
  // GraphQLError takes over the extensions of what it wraps, even those of a plain Error.
  if (extensions === (originalError as Partial<GraphQLError>).extensions) return true;
  return path !== undefined && message === originalError.message;
}

function codeOf({ extensions }: GraphQLError): string | number | null {
  const { code, http } = extensions as { code?: unknown; http?: { status?: unknown } | null };
  if (code === INTERNAL_ERROR.extensions.code) return null;
  if (typeof code === 'number' || (typeof code === 'string' && code !== '')) return code;
  const status = http?.status;
  return typeof status === 'number' && status >= 400 && status < 500 ? 'BAD_REQUEST' : null;
}

/**
 * Returns the code of a fault of the request that graphql-js found while it ran the operation, which has no code: a variable
 * that is null where an argument may not be, or a kind of operation that the schema does not have. These are the only errors
 * of an execution that point at something other than a field.
 */
function codeOfRequestFault({ nodes, message }: GraphQLError): string | null {
  if (message.startsWith(TOO_MANY_FAULTS)) return 'BAD_USER_INPUT';
  if (nodes?.length !== 1) return null;
  const [node] = nodes;
  if (node?.kind === Kind.OPERATION_DEFINITION) return 'OPERATION_RESOLUTION_FAILURE';
  return node !== undefined && VALUES.has(node.kind) ? 'BAD_USER_INPUT' : null;
}

const VALUES: ReadonlySet<string> = new Set([
  Kind.VARIABLE,
  Kind.VARIABLE_DEFINITION,
  Kind.ARGUMENT,
  Kind.DIRECTIVE,
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
]);
