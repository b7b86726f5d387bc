import { parseValue } from 'graphql';
import { Count, MAX_COUNT } from '../../../src/management/scalars/count.js';

test.each([0, 1, 2 ** 31 - 1, 2 ** 31, 3_000_000_000, MAX_COUNT])(
  'F9: accepts %d as a variable and as a literal',
  (count) => {
    expect(Count.parseValue(count)).toBe(count);
    expect(Count.parseLiteral(parseValue(String(count)))).toBe(count);
    expect(Count.serialize(count)).toBe(count);
  },
);

test.each([-1, 0.5, MAX_COUNT + 1, 2 ** 60, Infinity, NaN, '3', true, null, [3], {}])('F9: refuses %p', (value) => {
  expect(() => Count.parseValue(value)).toThrow('A Count is a whole number from 0 to 9007199254740991');
});

test.each(['-1', '1.0', '1e3', '"3"', 'true', 'null', '[3]', '9007199254740992', '9007199254740993', '9'.repeat(400)])(
  'F9: refuses the literal %s',
  (literal) => expect(() => Count.parseLiteral(parseValue(literal))).toThrow('A Count is a whole number'),
);
