import { SettingsError } from '../../../src/shared/settings/error.js';
import { parseYaml } from '../../../src/server/settings/yaml.js';

const parse = (text: string): unknown => parseYaml(text, 'the file');

test('reads plain values of the core schema', () => {
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
])('refuses %j', (text, message) => {
  expect(() => parse(text)).toThrow(message);
  expect(() => parse(text)).toThrow(/^the file /);
});

test('refuses aliases that multiply before it expands them', () => {
  const lines = ['a0: &a0 [x, x]'];
  for (let i = 1; i < 30; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}]`);
  expect(() => parse(lines.join('\n'))).toThrow('uses an alias');
});

// The composer of the package is recursive, and V8 crashes if a regular expression runs out of stack.
test.each(['[', '{a: ', '- ', '? '])('refuses a hundred thousand nested levels (%j) without a crash', (level) => {
  expect(() => parse(level.repeat(100_000))).toThrow('nests deeper than 20 levels');
});

test('never repeats the text of the file in an error', () => {
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
  ])('refuses %j with the line', (text, fault) => {
    expect(() => parse(text)).toThrow(SettingsError);
    expect(() => parse(text)).toThrow(fault);
  });

  it('expands harmless aliases, with the nearest preceding anchor of the name', () => {
    const many = `a: &x {b: 1}\nc: [${Array(500).fill('*x').join(', ')}]`;
    expect(parse(many)).toEqual({ a: { b: 1 }, c: Array(500).fill({ b: 1 }) });
    expect(parse('a: &x 1\nb: *x\nc: &x 2\nd: *x')).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it('refuses aliases that expand to too many levels, however few are written', () => {
    const lines = ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)];
    expect(() => parse(lines.join('\n'))).toThrow(
      /^the file uses an alias at line 2\d, column \d+ that makes more than 20 levels\./,
    );
    expect(() => parse(lines.slice(0, 15).join('\n'))).not.toThrow();
  });

  it('refuses too many aliases before it looks them up one by one', () => {
    const text = `a: &x 1\n${Array.from({ length: 20 }, (_, i) => `b${i}: [${Array(4_000).fill('*x').join(',')}]`).join('\n')}`;
    expect(() => parse(text)).toThrow('that is one of more than 1000');
  });
});

test('R10: refuses a map with many keys before it compares each with all previous ones', () => {
  const text = Array.from({ length: 5_001 }, (_, i) => `k${i}: 1`).join('\n');
  expect(() => parse(text)).toThrow('the file has more than 5000 items in one map or list at line 1, column 1');
});

it('A9: rejects a carriage return without a line feed, after which a setting would be part of a comment', () => {
  expect(() => parseYaml('a: 1\n# note\rb: 2\n', 'The file')).toThrow(
    'The file has a carriage return without a line feed in line 2. End lines with LF or CR LF.',
  );
  expect(parseYaml('a: 1\r\n# note\r\nb: 2\r\n', 'The file')).toEqual({ a: 1, b: 2 });
});

test('names each duplicate key and tag, but only the first place of invalid YAML', () => {
  const messageOf = (text: string): string[] => {
    try {
      parse(text);
    } catch (error) {
      return (error as SettingsError).message.split('\n');
    }
    return [];
  };
  expect(messageOf('a: 1\na: 2\nb: !x 1\nc: 1\nc: 2\n')).toEqual([
    expect.stringContaining('line 2, column 1: duplicate key'),
    expect.stringContaining('line 5, column 1: duplicate key'),
    expect.stringContaining('line 3, column 4: tags are not supported'),
  ]);
  expect(messageOf('a: [1\nb: }\nc: "\n')).toHaveLength(1);
});
