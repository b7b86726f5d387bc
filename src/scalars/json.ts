import { GraphQLError, GraphQLScalarType, valueFromASTUntyped } from 'graphql';

/** Lists and objects within each other, and values in all: more than variables of an operation need. */
const MAX_DEPTH = 32;
const MAX_VALUES = 10_000;

/** JSON: any value, up to 32 levels deep and of 10,000 values in all. */
export const JSONValue = new GraphQLScalarType<unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: (value) => bounded(value),
  parseLiteral: (node, variables) => bounded(valueFromASTUntyped(node, variables)),
});

/** Level by level and not by recursion, which a body of nothing but brackets would exhaust. */
function bounded(value: unknown): unknown {
  let level: unknown[] = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (depth > MAX_DEPTH || values > MAX_VALUES) {
      throw new GraphQLError(`JSON has at most ${MAX_DEPTH} levels here, and ${MAX_VALUES} values in all.`);
    }
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : []));
  }
  return value;
}
