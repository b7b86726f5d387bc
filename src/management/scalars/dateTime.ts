import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { faultOfMoment } from '../../shared/dates/momentFault.js';
import { formatMoment, parseMoment } from '../../shared/dates/moments.js';
import { scalarError } from './scalarError.js';

/**
 * DateTime: RFC 3339 outside, integer milliseconds since the epoch inside.
 *
 * graphql-scalars is not used: its DateTime and Duration have `Date` and text inside and errors without a remedy, and its JSON has no
 * limits and rounds numbers.
 */
export const DateTime = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => formatMoment(value as number),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null, node),
});

function coerce(value: unknown, node?: ValueNode): number {
  const text = typeof value === 'string' ? value : '';
  const time = parseMoment(text);
  if (time !== null) return time;
  const fault = faultOfMoment(text);
  throw scalarError(fault === null ? FORM : `The DateTime "${text}" ${fault}.`, node);
}

const FORM = 'A DateTime is a string such as "2026-03-01T12:00:00Z", with its UTC offset.';
