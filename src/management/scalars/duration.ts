import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { formatDuration, hasMonthsOrYears, parseDuration } from '../../shared/dates/durations.js';
import { scalarError } from './scalarError.js';

/** Duration: ISO 8601 outside, integer milliseconds inside. */
export const Duration = new GraphQLScalarType<number, string>({
  name: 'Duration',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#appendix-A',
  serialize: (value) => formatDuration(Math.max(0, Math.round(value as number))),
  parseValue: (value) => coerce(value),
  parseLiteral: (node) => coerce(node.kind === Kind.STRING ? node.value : null, node),
});

function coerce(value: unknown, node?: ValueNode): number {
  const text = typeof value === 'string' ? value : '';
  const duration = parseDuration(text);
  if (duration !== null) return duration;
  throw scalarError(hasMonthsOrYears(text) ? `The Duration "${text}" ${MONTHS}` : FORM, node);
}

const MONTHS = 'has months or years, whose lengths differ. Write weeks or days, such as "P30D".';
const FORM = 'A Duration is a string such as "P1D", "PT90M" or "P2W", in weeks, days, hours, minutes and seconds.';
