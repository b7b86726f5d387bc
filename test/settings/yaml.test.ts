import { SettingsError } from '../../src/settings/error.js';
import { parseYaml } from '../../src/settings/yaml.js';

const parse = (text: string): unknown => parseYaml(text, 'the file');

test('plain values of the core schema', () => {
  expect(parse('a: 1\nb: [x, "2", true, null]\n# a comment\nc: {d: ${E}f}\n'.replace('${E}f', '"${E}"'))).toEqual({
    a: 1,
    b: ['x', '2', true, null],
    c: { d: '${E}' },
  });
  expect(parse('a: &x [1]\nb: *x')).toEqual({ a: [1], b: [1] });
  expect(parse('<<: {a: 1}\nno: yes')).toEqual({ '<<': { a: 1 }, no: 'yes' });
});

test.each([
  ['', 'is empty'],
  ['# a comment alone', 'is empty'],
  ['a: 1\na: 2', 'at line 2, column 1: duplicate key'],
  ['a: 1\n---\nb: 2', 'contains several documents'],
  ['a: !!js/function "x"', 'at line 1, column 4: tags are not supported'],
  ['a: !!binary aGk=', 'tags are not supported'],
  ['a: !own {}', 'tags are not supported'],
  ['? [a]\n: 1', 'keys must be strings'],
  ['a: [1', 'invalid YAML'],
  ['a:\n\t- b', 'invalid YAML'],
  ['a: [ ${A} ]', 'invalid YAML'],
  ['a: *nowhere', 'uses an alias at line 1, column 4 that names no anchor before it'],
])('%j is refused', (text, message) => {
  expect(() => parse(text)).toThrow(message);
  expect(() => parse(text)).toThrow(/^the file /);
});

test('aliases that multiply are refused before they do', () => {
  const lines = ['a0: &a0 [x, x]'];
  for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}]`);
  expect(() => parse(lines.join('\n'))).toThrow('uses an alias');
});

// The package's composer recurses, and V8 ends the process where a regular expression finds no stack left.
test.each(['[', '{a: ', '- ', '? '])(
  'what nests a hundred thousand deep (%j) is refused, and ends nothing',
  (level) => {
    expect(() => parse(level.repeat(100_000))).toThrow('nests deeper than 20 levels');
  },
);

test('no fault repeats what stands in the file', () => {
  for (const text of [
    'a: "hunter2" hunter2',
    'a: [hunter2',
    'a: !hunter2 x',
    'a: *hunter2',
    'hunter2: 1\nhunter2: 2',
  ]) {
    try {
      parse(text);
      throw new Error('It was read.');
    } catch (error) {
      expect(String(error)).toContain('the file');
      expect(String(error)).not.toContain('hunter2');
    }
  }
});

describe('R10: aliases', () => {
  it.each([
    ['a: &x [*x]', 'line 1, column 8 that refers to a value that it is part of'],
    ['a: 1\nb: &x\n  c: {d: *x}', 'line 3, column 10 that refers to a value that it is part of'],
    ['&x {a: *x}', 'line 1, column 8 that refers to a value that it is part of'],
    ['a: &x [1, &y [*x]]', 'that refers to a value that it is part of'],
    ['a: *x\nb: &x 1', 'line 1, column 4 that names no anchor before it'],
  ])('%j is refused with its line', (text, fault) => {
    expect(() => parse(text)).toThrow(SettingsError);
    expect(() => parse(text)).toThrow(fault);
  });

  it('are written out where they are harmless, the nearest anchor of a name before each', () => {
    const many = `a: &x {b: 1}\nc: [${Array(500).fill('*x').join(', ')}]`;
    expect(parse(many)).toEqual({ a: { b: 1 }, c: Array(500).fill({ b: 1 }) });
    expect(parse('a: &x 1\nb: *x\nc: &x 2\nd: *x')).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it('that make more levels than may be are refused, however few levels are written', () => {
    const lines = ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)];
    expect(() => parse(lines.join('\n'))).toThrow(
      /^the file uses an alias at line 2\d, column \d+ that makes more than 20 levels\./,
    );
    expect(() => parse(lines.slice(0, 15).join('\n'))).not.toThrow();
  });

  it('of which there are many are refused before they are looked up one by one', () => {
    const text = `a: &x 1\n${Array.from({ length: 20 }, (_, i) => `b${i}: [${Array(4_000).fill('*x').join(',')}]`).join('\n')}`;
    expect(() => parse(text)).toThrow('that is one of more than 1000');
  });
});

test('R10: a map of many keys, each of which is compared with all before it, is refused before it is', () => {
  const text = Array.from({ length: 5_001 }, (_, i) => `k${i}: 1`).join('\n');
  expect(() => parse(text)).toThrow('the file has more than 5000 items in one map or list at line 1, column 1');
});
