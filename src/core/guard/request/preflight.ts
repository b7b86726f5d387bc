import { GraphQLError } from 'graphql';

/** Content types that a page can send to another origin without a preflight request. */
const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Header fields that a page can't send to another origin without a preflight request. */
const PREFLIGHTED = ['authorization', 'x-api-key', 'x-apollo-operation-name', 'apollo-require-preflight'];

/**
 * Returns the error for a request that a page of another origin can send without a preflight request; null for any other request.
 *
 * @param field returns the value of a header field by its name in lower case
 * @param more names of further fields that require a preflight request
 * @example
 * ```ts
 * import { refuseSimpleRequest } from 'latchkey/adapter';
 *
 * export const refusalOf = ({ headers }: Request) => refuseSimpleRequest((name) => headers.get(name));
 * ```
 */
export function refuseSimpleRequest(
  field: (name: string) => string | null | undefined,
  more: readonly string[] = [],
): GraphQLError | null {
  const given = field('content-type') ?? '';
  if (given === 'application/json') return null;
  const [type = ''] = given.toLowerCase().split(';');
  // A type without a slash can't be parsed, so that browsers might send it as text.
  if (type.includes('/') && !SIMPLE_TYPES.includes(type.trim())) return null;
  const names = [...PREFLIGHTED, ...more];
  if (names.some((name) => (field(name.toLowerCase()) ?? '') !== '')) return null;
  return new GraphQLError(
    `A page of another origin could have sent this request without permission (CSRF). Send "Content-Type: application/json", or one of these header fields: ${names.join(', ')}.`,
    { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
  );
}
