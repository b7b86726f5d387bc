import fc from 'fast-check';
import { isWhollyReferences, substitute } from '../../../src/server/settings/substitute.js';

const fault = (what: string): Error => new Error(what);
const put = (text: string, environment: Record<string, string> = {}): string => substitute(text, environment, fault);

test('replaces variables anywhere in a text, each time they occur', () => {
  expect(put('${A}', { A: 'x' })).toBe('x');
  expect(put('a-${A}-${B}-${A}', { A: 'x', B: 'y' })).toBe('a-x-y-x');
});

test('replaces $${ with ${, and keeps a single $', () => {
  expect(put('$${A} costs 5$ or $5 { }', { A: 'x' })).toBe('${A} costs 5$ or $5 { }');
});

test('inserts the value of a variable literally, not as another variable or as YAML', () => {
  expect(put('${A}', { A: '${B}', B: 'x' })).toBe('${B}');
  expect(put('${A}', { A: '$&$1 $${B}: [x]\n# y' })).toBe('$&$1 $${B}: [x]\n# y');
});

test.each([
  ['${A}', 'names the variable A, which is not set.'],
  ['${EMPTY}', 'names the variable EMPTY, which is empty.'],
  ['${constructor}', 'names the variable constructor, which is not set.'],
  ['${__proto__}', 'names the variable __proto__, which is not set.'],
  ['${', 'contains "${" without'],
  ['${}', 'contains "${" without'],
  ['${A-B}', 'contains "${" without'],
  ['${1A}', 'contains "${" without'],
  ['${ A }', 'contains "${" without'],
  ['${A:-default}', 'contains "${" without'],
])('refuses %s', (text, message) => {
  expect(() => put(text, { EMPTY: '' })).toThrow(message);
});

test('replaces the parts of any text independently', () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  const part = fc.oneof(
    fc
      .string()
      .map((text) => text.replaceAll('$', ''))
      .map((text) => ({ written: text, meant: () => text })),
    fc.constant({ written: '$${', meant: () => '${' }),
    name.map((variable) => ({
      written: `\${${variable}}`,
      meant: (environment: Map<string, string>) => environment.get(variable) ?? '',
      variable,
    })),
  );
  fc.assert(
    fc.property(fc.array(part), fc.string({ minLength: 1 }), (parts, value) => {
      const environment = new Map(
        parts.flatMap((one) => ('variable' in one ? [[one.variable, `${value}${one.variable}`] as const] : [])),
      );
      const written = parts.map((one) => one.written).join('');
      const meant = parts.map((one) => one.meant(environment)).join('');
      expect(put(written, Object.fromEntries(environment))).toBe(meant);
    }),
  );
});

test.each([
  ['${A}', true],
  ['${A}${B}', true],
  ['x${A}', false],
  ['${A}\n', false],
  ['$${A}', false],
  ['', false],
])('returns whether %j consists only of variables: %s', (text, expected) => {
  expect(isWhollyReferences(text)).toBe(expected);
});
