import fc from 'fast-check';
import { buildSchema, getOperationAST, getVariableValues, parse, type GraphQLScalarType } from 'graphql';
import { printable } from '../../../src/core/guard/printable.js';
import { JSONValue } from '../../../src/management/scalars/json.js';
import { runs } from '../../support/runs.js';

const SCHEMA = buildSchema(`
  scalar JSON
  scalar Code
  enum Order { NAME AGE }
  input Filter { name: String, order: Order, inner: Filter, all: [Filter!], data: JSON }
  input Event { id: ID!, data: JSON }
  input One @oneOf { a: Int, b: String }
  type Query {
    run(filter: Filter, events: [Event!], one: One, order: Order, data: JSON, code: Code,
        flag: Boolean, count: Int, rate: Float, text: String, id: ID, list: [[Int!]!]): Int
  }
`);
Object.assign(SCHEMA.getType('JSON') as GraphQLScalarType, { parseValue: JSONValue.parseValue.bind(JSONValue) });
Object.assign(SCHEMA.getType('Code') as GraphQLScalarType, {
  parseValue(value: unknown) {
    if (typeof value === 'string' && /^[A-Z]*$/.test(value)) return value;
    throw new TypeError(`This is no code: ${JSON.stringify(value)}`);
  },
});

/** The messages of graphql-js for a variable `$a`. */
function errorsOf(type: string, value: unknown, short = true): string[] {
  const operation = getOperationAST(parse(`query ($a: ${type}) { __typename }`));
  if (operation == null) throw new Error('no operation');
  const given = { a: value };
  const variables = short ? printable(SCHEMA, operation, given) : given;
  const { errors = [] } = getVariableValues(SCHEMA, operation.variableDefinitions ?? [], variables, { maxErrors: 50 });
  return errors.map(({ message }) => message);
}

const many = (value: unknown = 1): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`z${i}`, value]));
const LONG = 'x'.repeat(200_000);

const WRONG: readonly (readonly [type: string, value: unknown])[] = [
  ...['Boolean', 'Int', 'Float', 'String', 'ID', 'Order', 'Code'].map((type) => [type, many()] as const),
  ...['Boolean', 'Int', 'Float', 'String', 'ID', 'Order', 'Code', 'Filter'].map(
    (type) => [type, new Array(20_000).fill({ a: LONG.slice(0, 9) })] as const,
  ),
  ...['Boolean', 'Int', 'Float', 'Order', 'Filter', 'One', '[[Int!]!]'].map((type) => [type, LONG] as const),
  ['Code', LONG],
  ['JSON', many()],
  ['Filter', many()],
  ['Filter', many({ a: [1, 2, 3] })],
  ['Filter', { toJSON: 1, ...many() }],
  ['Filter', { [LONG]: 1 }],
  ['Filter', { name: many() }],
  ['Filter', { order: many(), inner: { order: LONG, inner: many() } }],
  ['Filter', { all: new Array(5_000).fill({ wrong: LONG.slice(0, 9) }) }],
  ['Filter', { all: new Array(200).fill(many()) }],
  ['Filter', { name: 1, data: Object.fromEntries(Object.entries(many()).slice(0, 9_000)) }],
  ['[Event!]', new Array(40).fill({ data: Object.fromEntries(Object.entries(many()).slice(0, 9_000)) })],
  ['[Event!]', many()],
  ['One', { a: 1, b: LONG }],
  ['One', many()],
  ['[[Int!]!]', new Array(5_000).fill(many())],
  ['[[Int!]!]', [new Array(50_000).fill('1')]],
];

test.each(WRONG.map(([type, value], i) => [i, type, value] as const))(
  'R2: case %i: the errors of a %s repeat little of a large value',
  (_, type, value) => {
    const errors = errorsOf(type, value);
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error.length).toBeLessThan(1_500);
  },
);

test('R2: a large wrong value has the same number of errors, for the same reasons', () => {
  for (const [type, value] of [
    ['Filter', many()],
    ['Boolean', many()],
    ['Order', LONG],
    ['[Event!]', new Array(60).fill({ data: Object.fromEntries(Object.entries(many('x')).slice(0, 2_000)) })],
    ['Filter', { toJSON: 1, ...many() }],
  ] as const) {
    const reasons = (short: boolean): string[] =>
      errorsOf(type, value, short).map((message) => message.slice(message.lastIndexOf('; ')).slice(0, 30));
    expect(reasons(true)).toEqual(reasons(false));
  }
});

test('R2: a wrong variable is read a few times, however many errors it has', () => {
  let read = 0;
  const counted = new Proxy(many(), {
    get(target, name, receiver) {
      if (typeof name === 'string' && name.startsWith('z')) read += 1;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  expect(errorsOf('Filter', counted).length).toBe(51);
  expect(read).toBeLessThan(5_000);
});

test.each([
  ['objects', '{"inner":', '}'],
  ['lists', '{"all":[', ']}'],
])('input objects that nest too deep in %s are refused, and exhaust no stack', (_, open, close) => {
  const nested = (levels: number): unknown => JSON.parse(`${open.repeat(levels)}{"name":"x"}${close.repeat(levels)}`);
  expect(errorsOf('Filter', nested(199))).toEqual([]);
  for (const levels of [200, 1_000, 8_000, 100_000]) {
    const [message, ...others] = errorsOf('Filter', nested(levels));
    expect(message).toContain('"[an object more than 200 levels deep]"');
    expect(others).toEqual([]);
  }
});

test('valid and short variables stay the same objects', () => {
  const operation = getOperationAST(parse('query ($a: Filter, $b: JSON, $c: Boolean) { __typename }'));
  const data = Object.fromEntries(Object.entries(many()).slice(0, 9_000));
  for (const variables of [
    { a: { name: LONG, all: new Array(900).fill({ name: 'x', data: null }), data } },
    { b: data, undeclared: many() },
    { c: { a: 1 } },
    { a: { wrong: 1 } },
    {},
  ]) {
    const before = JSON.stringify(variables);
    expect(printable(SCHEMA, operation, variables)).toBe(variables);
    expect(JSON.stringify(variables)).toBe(before);
  }
});

test('R2: a variable is wrong afterwards exactly if it was wrong before', () => {
  const key = fc.constantFrom('name', 'order', 'inner', 'all', 'data', 'id', 'a', 'b', 'toJSON', 'other', '__proto__');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, 1, 1.5, 2 ** 60, true, 'NAME', 'x', LONG.slice(0, 1_100), 'A'.repeat(1_100)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }));
  const types = ['Filter', '[Event!]', 'One', 'Order', 'JSON', 'Code', 'Int', 'String', '[[Int!]!]', '[JSON]'];
  fc.assert(
    fc.property(fc.constantFrom(...types), value, (type, given) => {
      const before = errorsOf(type, structuredClone(given), false).length;
      expect(errorsOf(type, structuredClone(given)).length).toBe(before);
    }),
    { seed: 11, numRuns: runs(600) },
  );
});
