import fc from 'fast-check';
import { parseValue } from 'graphql';
import { JSONValue } from '../../src/scalars/json.js';

const literal = (text: string): unknown => JSONValue.parseLiteral(parseValue(text), { v: [1] });

test('takes what JSON is, as a variable and as a literal', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => expect(JSONValue.parseValue(value)).toBe(value)),
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

test('no prototype is reached by a name', () => {
  expect(literal('{ __proto__: { polluted: true } }')).not.toHaveProperty('polluted');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
