import { GraphQLError, Kind, type GraphQLFormattedError } from 'graphql';
import { withoutTokens } from '../keys/withoutTokens.js';
import { unreported } from '../store/storeErrors.js';
import { Refusal } from './refusal.js';

/** The response for a fault of the server. */
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
 * Returns the code under which an error can be sent to the caller, or null if it must be hidden.
 *
 * An error can be sent if it was written for callers: a refusal, an error of the GraphQL server about the request, a
 * `GraphQLError` with a code or a status from 400 to 499, or an error of graphql-js about the request. All other errors
 * are faults of the server, and their messages may contain addresses, queries or credentials of back ends.
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
 * Formats an error just before it is sent. Errors without a {@link publicCode} are replaced by {@link INTERNAL_ERROR}.
 * Tokens are removed, even if the caller put one into a query.
 */
export function publicForm(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const code = publicCode(error);
  if (code === null) return { ...INTERNAL_ERROR, ...(formatted.path !== undefined && { path: formatted.path }) };
  return withoutTokens({ ...formatted, extensions: { ...formatted.extensions, code } });
}

/**
 * Returns the part that {@link publicForm} hides and the server's log should contain: a hidden error, or the cause of
 * a refusal unless it was already logged.
 */
export function untold(error: unknown): unknown {
  const original = thrownBy(error);
  if (original instanceof Refusal) return unreported(original.cause);
  return publicCode(error) === null ? unreported(original) : undefined;
}

/**
 * Sets the code that {@link publicCode} finds on an execution error. Removes HTTP status and headers from a hidden
 * error, because they are as unintended as its message.
 */
export function settle(error: GraphQLError): void {
  const { code, http, ...others } = error.extensions;
  const found = publicCode(error);
  // Assigns new extensions: the object may belong to the thrown error and be frozen.
  if (found === null) {
    if (http !== undefined) Object.assign(error, { extensions: others });
  } else if (code === undefined) {
    const isUnrunnable = found === 'OPERATION_RESOLUTION_FAILURE';
    Object.assign(error, {
      extensions: { ...error.extensions, ...(isUnrunnable && { http: { status: 400 } }), code: found },
    });
  }
}

/**
 * Returns whether the error's code was chosen by its author instead of the GraphQL server or graphql-js. Then the message is
 * the author's, too.
 */
export function isAuthored(error: GraphQLError): boolean {
  return error.nodes === undefined && !OF_SERVERS.has(error.extensions.code) && publicCode(error) !== null;
}

const OF_SERVERS: ReadonlySet<unknown> = new Set([
  undefined,
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
]);

/** Returns what a resolver threw; for any other error, the error itself. */
function thrownBy(error: unknown): unknown {
  const isOfField = isGraphQLError(error) && error.path !== undefined;
  return isOfField && error.originalError != null ? error.originalError : error;
}

/** Also true for a `GraphQLError` of another copy of graphql-js. */
function isGraphQLError(error: unknown): error is GraphQLError {
  if (error instanceof GraphQLError) return true;
  return error instanceof Error && Object.prototype.toString.call(error) === '[object GraphQLError]';
}

/**
 * Returns whether graphql-js or the GraphQL server wrapped another error in this one, so that message and code belong to the
 * inner error.
 */
function isWrapper({ originalError, message, path, extensions }: GraphQLError): boolean {
  if (originalError == null) return false;
  // GraphQLError copies the extensions of the error that it wraps, even of a plain Error.
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
 * Returns the code of a request fault that graphql-js found during execution, which has no code: a variable that is
 * null for a non-null argument, or a kind of operation that the schema does not have. Only these execution errors point
 * at a node that is not a field.
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
