import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { formatDuration, parseDuration } from '../dates/durations.js';

/** Duration: ISO 8601 outside, integer milliseconds inside. */
export const Duration = new GraphQLScalarType<number, string>({
  name: 'Duration',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#appendix-A',
  serialize: (value) => formatDuration(Math.max(0, Math.round(value as number))),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null),
});

function coerce(value: unknown): number {
  const duration = typeof value === 'string' ? parseDuration(value) : null;
  if (duration === null) {
    throw new GraphQLError(
      'A Duration is written as in "P1D", "PT90M" or "P2W", in weeks, days, hours, minutes and seconds.',
    );
  }
  return duration;
}
