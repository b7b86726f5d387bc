import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
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

/**
 * The last look at an error before it leaves. Refusals and faults of the request pass; of anything else the caller learns
 * nothing but that it happened, and the log gets the rest. No token leaves, even where the caller put one into a query.
 */
export function createFormatError(log: (error: unknown) => void) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const original = unwrapResolverError(error);
    const code = formatted.extensions?.code;
    const mayPass = original instanceof Refusal || (typeof code === 'string' && OF_THE_REQUEST.has(code));
    if (original instanceof Refusal && original.cause !== undefined) log(original.cause);
    if (mayPass) return { ...formatted, message: withoutTokens(formatted.message) };
    log(original);
    return {
      message:
        'Something went wrong on the server. Try again; if it stays so, tell its operator the X-Request-Id of this answer.',
      ...(formatted.path !== undefined && { path: formatted.path }),
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    };
  };
}

function withoutTokens(message: string): string {
  return message.replace(TOKEN_PATTERN, '[key]');
}

/** The body of an answer that is refused before GraphQL sees it: the same form as GraphQL's own. */
export function errorBody(refusal: Refusal): string {
  const error = new GraphQLError(refusal.message, { extensions: { ...refusal.details } });
  return JSON.stringify({ errors: [error] });
}
