import { GraphQLError, GraphQLScalarType, valueFromASTUntyped } from 'graphql';

/** Levels of lists and objects. */
const MAX_DEPTH = 16;
/** Values of all kinds, those within others too. */
const MAX_VALUES = 10_000;

/** Any value of JSON: for what has no type of its own, as the variables of another operation. */
export const JSONScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: bounded,
  parseLiteral: (node, variables) => bounded(valueFromASTUntyped(node, variables)),
});

function bounded(value: unknown): unknown {
  let left = MAX_VALUES;
  const check = (item: unknown, depth: number): void => {
    left -= 1;
    if (left < 0 || depth > MAX_DEPTH) {
      throw new GraphQLError(`A JSON value has at most ${MAX_VALUES} values, ${MAX_DEPTH} levels deep.`);
    }
    if (typeof item === 'object' && item !== null) for (const inner of Object.values(item)) check(inner, depth + 1);
  };
  check(value, 0);
  return value;
}
