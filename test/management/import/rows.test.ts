import fc from 'fast-check';
import { all, rowsOf } from './harness.js';
import type { Row } from '../../../src/management/import/rows.js';

const fieldsIn = (rows: readonly Row[]) => rows.map((row) => ('fields' in row ? Object.fromEntries(row.fields) : row));

// Text files contain no NUL characters.
const text = fc.string({ unit: 'grapheme' }).filter((cell) => !cell.includes('\0'));
const cells = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 });
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

it('reads the same rows from JSON Lines, an array and CSV', async () => {
  await fc.assert(
    fc.asyncProperty(cells, async (pairs) => {
      const rows = pairs.map(([a, b]) => ({ a, b }));
      expect(fieldsIn(await all(rowsOf(rows, 'jsonl')))).toEqual(rows);
      expect(fieldsIn(await all(rowsOf(JSON.stringify(rows, null, 2), 'json')))).toEqual(rows);
      const csv = ['a,b', ...pairs.map((pair) => pair.map(quoted).join(','))].join('\r\n');
      const orNull = ([a, b]: readonly [string, string]) => ({ a: a || null, b: b || null });
      expect(fieldsIn(await all(rowsOf(csv, 'csv')))).toEqual(pairs.map(orNull));
    }),
  );
});

it('counts the lines of the file', async () => {
  const lines = async (text: string, format: 'jsonl' | 'json' | 'csv') =>
    (await all(rowsOf(text, format))).map(({ line }) => line);
  expect(await lines('{}\n\n{"a":1}\nx\n', 'jsonl')).toEqual([1, 3, 4]);
  expect(await lines('[\n {},\n\n {"a":\n1}, {}\n]\n', 'json')).toEqual([2, 4, 5]);
  expect(await lines('a\n"x\ny"\nz\n', 'csv')).toEqual([2, 4]);
});

describe('reports an invalid row by its line and reads the remaining rows', () => {
  const good = '{"a":"1"}';
  const long = 'x'.repeat(100_000);

  it.each([
    ['no JSON', 'nonsense'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['a line that is too long', `{"a":"${long}"}`],
    ['brackets without end', '['.repeat(60_000)],
  ])('%s', async (_, line) => {
    const rows = await all(rowsOf(`${good}\n${line}\n${good}`, 'jsonl'));
    expect(rows.map((row) => ('problem' in row ? row.line : 'read'))).toEqual(['read', 2, 'read']);
    expect(JSON.stringify(rows)).not.toContain('xxx');
  });

  it('also in an array and in CSV', async () => {
    const inArray = await all(rowsOf(`[${good},7,{"a":"${long}"},${good}]`, 'json'));
    expect(inArray.map((row) => 'problem' in row)).toEqual([false, true, true, false]);
    const inCsv = await all(rowsOf(`a,b\n1,2\n1\n"${long}",2\n${','.repeat(90_000)}\n3,4\n`, 'csv'));
    expect(inCsv.map((row) => 'problem' in row)).toEqual([false, true, true, true, false]);
  });

  it('reads a column with the name __proto__', async () => {
    const [row] = await all(rowsOf('{"__proto__":{"enabled":true},"constructor":1}', 'jsonl'));
    expect(row).toEqual({
      line: 1,
      fields: new Map<string, unknown>([
        ['__proto__', { enabled: true }],
        ['constructor', 1],
      ]),
    });
  });
});

it.each([
  ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'jsonl', 'UTF-8'],
  ['half a character at the end', Buffer.from([0xe2, 0x82]), 'jsonl', 'UTF-8'],
  ['an array that is cut off', '[{"a":1}', 'json', 'cut off'],
  ['nothing at all as an array', '', 'json', 'empty'],
  ['more than one array', '[] []', 'json', 'line 1'],
  ['an object', '\n{"a":1}', 'json', 'line 2'],
  ['a header that names a column twice', 'a,a\n1,2', 'csv', 'header'],
] as const)('refuses the whole input for %s', async (_, input, format, said) => {
  await expect(all(rowsOf(input, format))).rejects.toThrow(said);
});

describe('N7: refuses input that is not a table, with the reason', () => {
  const row = '{"a":"é"}\n';
  const utf16 = Buffer.from(`\uFEFF${row}`, 'utf16le');

  it.each<[string, string | Buffer, string]>([
    ['nothing', '', 'The input is empty.'],
    ['white space', ' \n\r\n\t', 'The input is empty.'],
    ['a byte order mark', '\uFEFF', 'The input is empty.'],
    ['UTF-16 without a byte order mark', utf16.subarray(2), 'it has NUL bytes'],
    ['gzip', Buffer.from('1f8b0800000000000003abae0500', 'hex'), 'not text in UTF-8 or UTF-16'],
    ['a file of SQLite', 'SQLite format 3\0\u0010', 'it has NUL bytes'],
    ['UTF-16 with half a character', utf16.subarray(0, -1), 'not text in UTF-8 or UTF-16'],
  ])('%s', async (_, input, said) => {
    for (const format of ['jsonl', 'csv'] as const) await expect(all(rowsOf(input, format))).rejects.toThrow(said);
  });

  it.each([
    ['little', utf16],
    ['big', Buffer.from(utf16).swap16()],
  ])('reads UTF-16 with a byte order mark, %s endian', async (_, input) => {
    expect(fieldsIn(await all(rowsOf(input, 'jsonl')))).toEqual([{ a: 'é' }]);
  });
});
