import { unwrapResolverError } from '@apollo/server/errors';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { TOKEN_PATTERN } from '../keys/token.js';
import { Refusal } from '../refusals/refusal.js';

/** Codes of Apollo Server for faults of the request itself, whose messages are the caller's to read. */
const OF_THE_REQUEST = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
]);

/** What a caller is told of a fault that is not theirs. */
export const INTERNAL_ERROR = {
  message:
    'Something went wrong on the server. Try again; if it stays so, tell its operator the X-Request-Id of this answer.',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
} as const;

/**
 * The last look at an error before it leaves. Refusals and faults of the request pass; of anything else the caller learns
 * nothing but that it happened. No token leaves, even where the caller put one into a query.
 */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  if (original instanceof Refusal || isOfTheRequest(formatted.extensions?.code)) {
    return { ...formatted, message: formatted.message.replace(TOKEN_PATTERN, '[key]') };
  }
  return { ...INTERNAL_ERROR, ...(formatted.path !== undefined && { path: formatted.path }) };
}

/** What {@link formatError} keeps from callers: an error that is no answer, or the cause of a refusal; else undefined. */
export function untold(error: GraphQLError): unknown {
  const original = unwrapResolverError(error);
  if (original instanceof Refusal) return original.cause;
  return isOfTheRequest(error.extensions.code) || original === error ? undefined : original;
}

function isOfTheRequest(code: unknown): boolean {
  return typeof code === 'string' && OF_THE_REQUEST.has(code);
}
