import fc from 'fast-check';
import { repeatedName } from '../../../src/management/import/repeated.js';
import { all, rowsOf } from './harness.js';

const COMPOSED = 'Caf\u00e9';
const DECOMPOSED = 'Cafe\u0301';

it.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"b":{"c":[],"c":[]}}', 'c'],
  ['[{"a":1},{"b":"b","b":"c"}]', 'b'],
  ['{"a":{"x":1},"b":"a","a":null}', 'a'],
  ['{"a":"}","a":true}', 'a'],
  [String.raw`{"revoked":false,"revo\u006bed":true}`, 'revoked'],
  [`{"${COMPOSED}":1,"${DECOMPOSED}":2}`, COMPOSED],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('A8: finds a repeated name in %s', (text, name) => {
  JSON.parse(text);
  expect(repeatedName(text)).toBe(name);
});

it.each([
  '{}',
  '{"a":"a","b":["a","a"],"c":{"a":{"a":1}}}',
  '[{"a":1},{"a":2}]',
  '"a"',
  '{"a":"\\"a\\":","b":-1.5e3,"c":[true,false,null,{}]}',
])('A8: finds no repeated name in %s', (text) => {
  JSON.parse(text);
  expect(repeatedName(text)).toBeNull();
});

it('A8: finds a name exactly if one object has it twice, in any JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, at) => {
      const text = JSON.stringify(object);
      expect(repeatedName(text)).toBeNull();
      const names = Object.keys(object);
      const name = names[at % names.length] ?? '';
      expect(repeatedName(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`)).toBe(name);
    }),
  );
});

it.each(['jsonl', 'json'] as const)('A8: reports a row with a repeated name with its line in %s', async (format) => {
  const rows = ['{"a":1}', `{"${COMPOSED}":1,"${DECOMPOSED}":2}`, '{"a":{"b":1,"b":2}}', '{"a":2}'];
  const text = format === 'json' ? `[${rows.join(',\n')}]` : rows.join('\n');
  const read = await all(rowsOf(text, format));
  expect(read.map((row) => ('problem' in row ? [row.line, row.problem] : null))).toEqual([
    null,
    [2, `The row has the name "${COMPOSED}" twice in one object. Remove one of them.`],
    [3, 'The row has the name "b" twice in one object. Remove one of them.'],
    null,
  ]);
});

it.each(['jsonl', 'json'] as const)('R10: reports a row that nests too deep with its line in %s', async (format) => {
  const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const rows = ['{"a":1}', nested(20_000), nested(101), nested(100)];
  const text = format === 'json' ? `[${rows.join(',\n')}]` : rows.join('\n');
  const read = await all(rowsOf(text, format));
  expect(read.map((row) => ('problem' in row ? row : null))).toEqual([
    null,
    { line: 2, problem: 'The row nests deeper than 100 levels. Leave such columns out of the export.' },
    { line: 3, problem: 'The row nests deeper than 100 levels. Leave such columns out of the export.' },
    null,
  ]);
});
