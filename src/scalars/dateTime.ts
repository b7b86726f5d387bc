import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { formatMoment, parseMoment } from '../dates/moments.js';

/** DateTime: RFC 3339 outside, integer milliseconds since the epoch inside. */
export const DateTime = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => formatMoment(value as number),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null),
});

function coerce(value: unknown): number {
  const time = typeof value === 'string' ? parseMoment(value) : null;
  if (time === null) throw new GraphQLError('A DateTime is written as in "2026-03-01T12:00:00Z", with its offset.');
  return time;
}
