import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(?:[Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Milliseconds since the epoch of an RFC 3339 moment; a fraction is cut to milliseconds.
 * @returns null where the text is none, or names a day that its month does not have
 */
export function parseDateTime(text: string): number | null {
  if (text.length > 40) return null;
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const named = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC lets 30 February roll over into March; RFC 3339 has no such day.
  if (named.getUTCMonth() !== month - 1 || named.getUTCDate() !== day || named.getUTCHours() !== hour || second > 59)
    return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** DateTime: RFC 3339 outside, integer milliseconds since the epoch inside. */
export const DateTime = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => new Date(value as number).toISOString(),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null),
});

function coerce(value: unknown): number {
  const time = typeof value === 'string' ? parseDateTime(value) : null;
  if (time === null) throw new GraphQLError('A DateTime is written as in "2026-03-01T12:00:00Z", with its offset.');
  return time;
}
