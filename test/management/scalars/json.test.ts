import fc from 'fast-check';
import { parseValue } from 'graphql';
import { noteAltered } from '../../../src/shared/numbers/jsonNumbers.js';
import { JSONValue } from '../../../src/management/scalars/json.js';

const literal = (text: string): unknown => JSONValue.parseLiteral(parseValue(text), { v: [1] });

/** fast-check's numbers can be as large as doubles. */
const isKept = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isKept)
    : typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value);

test.each([
  '9007199254740992',
  '-9007199254740993',
  '[1, [12345678901234567890]]',
  '{ a: { b: 1e400 } }',
  '1e-400',
  '0.1000000000000000001',
  '1e300',
])('F10: refuses the literal %s, because it could not keep its numbers exactly', (text) => {
  expect(() => literal(text)).toThrow('JSON cannot keep the number');
});

test.each([Infinity, -Infinity, NaN, 2 ** 53, [[-(2 ** 53)]], { a: { b: 1e300 } }])(
  'F10: refuses %j, because the original number is unknown',
  (value) => expect(() => JSONValue.parseValue(value)).toThrow('JSON cannot keep the number'),
);

test('F10: refuses a number that parsing altered, and accepts one that it did not', () => {
  for (const [text, refused] of [
    ['{"a":[0.1000000000000000001]}', true],
    ['{"a":[1e-400]}', true],
    ['{"a":[0.30000000000000004,9007199254740991,-9007199254740991,1.5e-300,"9007199254740993"]}', false],
  ] as const) {
    const value: unknown = JSON.parse(text);
    noteAltered(text, value);
    if (refused) expect(() => JSONValue.parseValue(value)).toThrow('JSON cannot keep the number');
    else expect(JSONValue.parseValue(value)).toBe(value);
  }
});

test('accepts any JSON, as a variable and as a literal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }).filter(isKept), (value) =>
      expect(JSONValue.parseValue(value)).toBe(value),
    ),
    { numRuns: 200 },
  );
  expect(literal('{ a: [1, 2.5, "x", true, null], b: { c: $v } }')).toEqual({
    a: [1, 2.5, 'x', true, null],
    b: { c: [1] },
  });
  expect(JSONValue.serialize({ a: 1 })).toEqual({ a: 1 });
});

const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

test.each([
  ['32 levels', nested(32), true],
  ['33 levels and a value', [nested(33)], false],
  ['a hundred thousand levels', nested(100_000), false],
  ['10,000 values', Array.from({ length: 9_999 }, () => 0), true],
  ['more than 10,000 values', Array.from({ length: 10_000 }, () => 0), false],
  [
    'lists of lists of lists',
    Array.from({ length: 30 }, () => Array.from({ length: 30 }, () => Array.from({ length: 30 }, () => 0))),
    false,
  ],
])('%s', (_, value, taken) => {
  const take = () => JSONValue.parseValue(value);
  if (taken) expect(take()).toBe(value);
  else expect(take).toThrow('at most 32 levels');
});

test('no property name gives access to a prototype', () => {
  expect(literal('{ __proto__: { polluted: true } }')).not.toHaveProperty('polluted');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
