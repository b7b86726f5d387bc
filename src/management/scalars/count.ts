import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { scalarError } from './scalarError.js';

/** The largest whole number up to which JSON's numbers are exact everywhere: 2^53 - 1. */
export const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** Count: a whole number from 0 to 2^53 - 1, where Int ends at 2^31 - 1. */
export const Count = new GraphQLScalarType<number, number>({
  name: 'Count',
  serialize: (value) => Math.min(Math.max(0, value as number), MAX_COUNT),
  parseValue: (value) => coerce(typeof value === 'number' ? value : NaN),
  parseLiteral: (node) => coerce(node.kind === Kind.INT ? Number(node.value) : NaN, node),
});

/** A number beyond 2^53 - 1 is still beyond it when it was rounded. */
function coerce(value: number, node?: ValueNode): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw scalarError(`A Count is a whole number from 0 to ${MAX_COUNT} (2^53 - 1), such as 3000000000.`, node);
}
