import { parseValue } from 'graphql';
import { Scope } from '../../../src/management/scalars/scope.js';

test.each(['read:assets', '', 'no scope at all', 'x'.repeat(100)])(
  'accepts %j: unknown scopes are reported later',
  (text) => {
    expect(Scope.parseValue(text)).toBe(text);
    expect(Scope.parseLiteral(parseValue(JSON.stringify(text)))).toBe(text);
    expect(Scope.serialize(text)).toBe(text);
  },
);

test.each([1, true, null, {}, ['read:assets'], 'x'.repeat(101)])('refuses %j', (value) => {
  expect(() => Scope.parseValue(value)).toThrow('A Scope is a string');
});

test('refuses a literal that is not a string', () => {
  for (const literal of ['admin', '1', '{}'])
    expect(() => Scope.parseLiteral(parseValue(literal))).toThrow('A Scope is');
});
