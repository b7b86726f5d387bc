import { GraphQLScalarType, Kind, valueFromASTUntyped, type GraphQLError, type ValueNode } from 'graphql';
import { isExact } from '../../shared/numbers/exact.js';
import { alteredIn } from '../../shared/numbers/jsonNumbers.js';
import { scalarError } from './scalarError.js';

/** The maximum depth and number of values: more than the variables of an operation need. */
const MAX_DEPTH = 32;
const MAX_VALUES = 10_000;

/** JSON: any value with up to 32 levels and 10,000 values. Numbers are kept exactly or refused. */
export const JSONValue = new GraphQLScalarType<unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: (value) => checked(value),
  parseLiteral: (node, variables) => {
    checkLiteral(node);
    return checked(valueFromASTUntyped(node, variables), node);
  },
});

/** Level by level, because a body of brackets would exhaust the stack with recursion. */
function checked(value: unknown, node?: ValueNode): unknown {
  let level: unknown[] = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (depth > MAX_DEPTH || values > MAX_VALUES) {
      throw scalarError(`JSON has at most ${MAX_DEPTH} levels here, and ${MAX_VALUES} values in all.`, node);
    }
    level = level.flatMap((one) => {
      if (typeof one === 'number' && !isKept(one)) throw inexact(String(one), node);
      if (typeof one !== 'object' || one === null) return [];
      const token = alteredIn(one);
      if (token !== null) throw inexact(token, node);
      return Object.values(one) as unknown[];
    });
  }
  return value;
}

/** Unlike a variable, a literal shows how its numbers are written. */
function checkLiteral(literal: ValueNode): void {
  const left: ValueNode[] = [literal];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if ((node.kind === Kind.INT || node.kind === Kind.FLOAT) && !(isExact(node.value) && isKept(Number(node.value)))) {
      throw inexact(node.value.slice(0, 40), node);
    }
    if (node.kind === Kind.LIST) left.push(...node.values);
    if (node.kind === Kind.OBJECT) left.push(...node.fields.map((field) => field.value));
  }
}

/** Beyond 2^53, the original number may have been different, and different readers may parse different numbers. */
function isKept(number: number): boolean {
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

function inexact(number: string, node?: ValueNode): GraphQLError {
  return scalarError(
    `JSON cannot keep the number ${number} exactly: whole numbers are at most 9007199254740991 (2^53 - 1), others have at most 17 digits. Send it as a string.`,
    node,
  );
}
