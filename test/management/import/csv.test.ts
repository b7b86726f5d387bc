import fc from 'fast-check';
import { all, rowsOf } from './harness.js';

const read = async (text: string) =>
  (await all(rowsOf(text, 'csv'))).map((row) =>
    'fields' in row ? { line: row.line, ...Object.fromEntries(row.fields) } : row,
  );
const blocked = (line: number, said: string) => ({ line, problem: expect.stringContaining(said), blocks: true });
const DOUBLED = 'Write each quote inside a cell twice and enclose the cell in quotes, as in "5"" disk".';

describe('A9: reports CSV that is not valid by RFC 4180, with its line and how to correct it', () => {
  it.each([
    ['a quote inside a cell', 'a,b\n1,5" disk\n2,7" disk\n3,4\n', [2, 3], 'that is not enclosed in quotes'],
    ['two quotes inside a cell', 'a,b\n1,n"a"me\n3,4\n', [2], 'that is not enclosed in quotes'],
    ['a quote at the end of a cell', 'a,b\n1,5"\n3,4\n', [2], 'that is not enclosed in quotes'],
    ['a quote after white space', 'a,b\n1, "x"\n3,4\n', [2], 'that is not enclosed in quotes'],
    ['text after a closing quote', 'a,b\n1,"x"y\n3,4\n', [2], 'whose quotes open in line 2'],
    ['white space after a closing quote', 'a,b\n"1" ,2\n3,4\n', [2], 'whose quotes open in line 2'],
    ['text after quotes of several lines', 'a,b\n1,"x\n\ny"z\n3,4\n', [4], 'whose quotes open in line 2'],
    ['a quote that swallows lines', 'a,b\n1,"x\n2,"y"\n3,4\n', [3], 'whose quotes open in line 2'],
  ])('%s', async (_, text, lines, said) => {
    const rows = await read(text);
    expect(rows.slice(0, -1)).toEqual(lines.map((line) => blocked(line, said)));
    expect(rows.slice(0, -1)).toEqual(lines.map((line) => blocked(line, DOUBLED)));
    expect(rows.at(-1)).toMatchObject({ a: '3', b: '4' });
  });

  it.each([
    ['quotes that are never closed', 'a,b\n1,2\n3,"x\n', 3, 'are never closed'],
    ['a quote that is never closed at the end', 'a,b\n1,2\n3,"', 3, 'are never closed'],
    ['two quotes at the end of a cell', 'a,b\n1,2\n3,"x""', 3, 'are never closed'],
    ['a carriage return at the end', 'a,b\n1,2\n3,4\r', 3, 'carriage return (CR)'],
  ])('%s', async (_, text, line, said) => {
    expect(await read(text)).toEqual([{ line: 2, a: '1', b: '2' }, blocked(line, said)]);
  });

  it.each(['a,b\n1,x\ry\n3,4\n', 'a,b\n1,"x"\ry\n3,4\n', 'a,b\n1,x\r\r\n3,4\n', 'a,b\n\r1,x\n3,4\n'])(
    'a carriage return without a line feed: %j',
    async (text) => {
      expect(await read(text)).toEqual([blocked(2, 'carriage return (CR)'), { line: 3, a: '3', b: '4' }]);
    },
  );

  it.each([
    ['a quote', 'a,b"\n1,2\n', 'that is not enclosed in quotes'],
    ['lines that end with CR', 'a,b\r1,2\r3,4\r', 'carriage return (CR)'],
  ])('reads no rows after a header with %s', async (_, text, said) => {
    expect(await read(text)).toEqual([blocked(1, said)]);
  });

  it('accepts what RFC 4180 allows', async () => {
    const text = '"a","b"\r\n"5"" disk",\r\n"x\ry\nz,",""""\n\r\n1,2';
    expect(await read(text)).toEqual([
      { line: 2, a: '5" disk', b: null },
      { line: 3, a: 'x\ry\nz,', b: '"' },
      { line: 6, a: '1', b: '2' },
    ]);
    expect(await read('a\n""\n\n"x"\n')).toEqual([
      { line: 2, a: null },
      { line: 4, a: 'x' },
    ]);
  });
});

const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', 'x', ' '), maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0')),
);
const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.array(fc.array(fc.tuple(cell, fc.boolean()), { minLength: width, maxLength: width }), {
    minLength: 1,
    maxLength: 5,
  }),
);
type Table = readonly (readonly (readonly [text: string, isQuoted: boolean])[])[];

const lineEnd = fc.constantFrom('\n', '\r\n');
/** In a table with one column, an empty cell is enclosed in quotes, because empty lines are ignored. */
const written = (text: string, isQuoted: boolean, width: number) =>
  isQuoted || /[",\r\n]/.test(text) || (text === '' && width === 1) ? `"${text.replaceAll('"', '""')}"` : text;
const csvOf = (rows: Table, end: string) =>
  [(rows[0] ?? []).map((_, i) => `c${i}`), ...rows.map((row) => row.map(([text, is]) => written(text, is, row.length)))]
    .map((cells) => cells.join(','))
    .join(end);
const cellsOf = async (text: string) =>
  (await all(rowsOf(text, 'csv'))).map((row) => ('fields' in row ? [...row.fields.values()] : row));

it('A9: reads back every table that is written by RFC 4180', async () => {
  await fc.assert(
    fc.asyncProperty(table, lineEnd, async (rows, end) => {
      expect(await cellsOf(csvOf(rows, end))).toEqual(rows.map((row) => row.map(([text]) => text || null)));
    }),
    { seed: 9, numRuns: 300 },
  );
});

it('A9: a quote that is inserted anywhere changes no other row without a problem that blocks the import', async () => {
  await fc.assert(
    fc.asyncProperty(table, lineEnd, fc.nat(), async (rows, end, at) => {
      const text = csvOf(rows, end);
      const place = at % (text.length + 1);
      const read = await all(rowsOf(`${text.slice(0, place)}"${text.slice(place)}`, 'csv'));
      expect(read.some((row) => 'problem' in row && row.blocks === true)).toBe(true);
    }),
    { seed: 9, numRuns: 500 },
  );
});

describe('A9: a JSON array is read strictly too', () => {
  const items = async (text: string) =>
    (await all(rowsOf(text, 'json'))).map((row) => ('fields' in row ? Object.fromEntries(row.fields) : row));
  const invalid = (line: number) => blocked(line, 'not valid JSON. Export it again.');

  it.each([
    ['a number in two parts', '[{"uses": 1 0},\n{"a":1}]'],
    ['a word in two parts', '[{"revoked": fal se},\n{"a":1}]'],
    ['no comma between two items', '[{"b":1} {"b":2},\n{"a":1}]'],
    ['no item before a comma', '[,\n{"a":1}]'],
    ['a quote inside a text', '[{"b":"5" disk"},{"c":"7" disk"},\n{"a":1}]'],
    ['white space that JSON does not have', '[{"b":\u00a01},\n{"a":1}]'],
  ])('%s', async (_, text) => {
    expect(await items(text)).toEqual([invalid(1), { a: 1 }]);
  });

  it('no item after a comma', async () => {
    expect(await items('[{"a":1},\n]')).toEqual([{ a: 1 }, invalid(2)]);
    await expect(items('[{"a":1}}')).rejects.toThrow('not a JSON array');
  });

  it('accepts white space between tokens', async () => {
    expect(await items('[ ]')).toEqual([]);
    expect(await items(' [ { "a" : [ 1 ,\r\n\t2 ] } , {"b":"x  y"}\n]\n')).toEqual([{ a: [1, 2] }, { b: 'x  y' }]);
  });

  it('a row that is valid JSON and not an object does not block other rows', async () => {
    expect(await items('[7,{"a":1}]')).toEqual([
      { line: 1, problem: 'The row is not a JSON object. Write one object with columns for each key.' },
      { a: 1 },
    ]);
  });
});
