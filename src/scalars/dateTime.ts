import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** RFC 3339 has four digits for a year, so that what lies beyond could not be written back. */
const FIRST = Date.parse('0000-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Milliseconds since the epoch of an RFC 3339 moment; a fraction is cut to milliseconds.
 * @returns null where the text is none, or names a day that its month does not have
 */
export function parseDateTime(text: string): number | null {
  if (text.length > 40 || !RFC_3339.test(text)) return null;
  const upper = text.toUpperCase();
  const local = upper.slice(0, '2026-03-01T12:00:00'.length);
  const named = new Date(`${local}Z`);
  // Date lets 30 February roll over into March, and 24:00 into the next day; RFC 3339 has neither.
  if (Number.isNaN(named.getTime()) || !named.toISOString().startsWith(local)) return null;
  const time = Date.parse(upper);
  return time >= FIRST && time <= LAST ? time : null;
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
