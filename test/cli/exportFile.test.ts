import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openExport } from '../../src/cli/commands/usage/exportFile.js';

const root = mkdtempSync(join(tmpdir(), 'latchkey-export-'));
let made = 0;
const fresh = (content?: string): string => {
  const path = join(root, `${(made += 1)}.csv`);
  if (content !== undefined) writeFileSync(path, content);
  return path;
};
afterAll(() => rmSync(root, { recursive: true, force: true }));

const HEADER = 'start,value,name,requests,cost,limited,forbidden,cursor\n';
const shown = (text: string) => text;

async function appended(path: string, resume: boolean, text: string) {
  const file = await openExport(path, resume);
  await file.append(text, shown);
  await file.close();
  return { cursor: file.cursor, lines: file.lines, content: readFileSync(path, 'utf8') };
}

test('writes a new file', async () => {
  const path = fresh();
  expect(await appended(path, false, `${HEADER}a,b\n`)).toEqual({ cursor: null, lines: 2, content: `${HEADER}a,b\n` });
});

test('keeps an existing file, and says how to continue it', async () => {
  const path = fresh('kept\n');
  await expect(openExport(path, false)).rejects.toThrow(/exists\. .* --resume/);
  expect(readFileSync(path, 'utf8')).toBe('kept\n');
});

test.each([
  ['CSV', `${HEADER}1,a,"x, y",1,1,0,0,Y3Vyc29y\n`, 'Y3Vyc29y'],
  ['CSV with an incomplete line', `${HEADER}1,a,,1,1,0,0,Y3Vyc29y\n1,b,,1`, 'Y3Vyc29y'],
  ['JSON Lines', '{"value":"a","cursor":"Y3Vy"}\n', 'Y3Vy'],
  ['JSON Lines with an incomplete line', '{"value":"a","cursor":"Y3Vy"}\n{"va', 'Y3Vy'],
])('%s: continues after the last complete line', async (_, content, cursor) => {
  const result = await appended(fresh(content), true, 'next\n');
  expect(result.cursor).toBe(cursor);
  expect(result.content).toBe(`${content.slice(0, content.lastIndexOf('\n') + 1)}next\n`);
});

test.each([
  ['empty', ''],
  ['with an incomplete header', 'start,val'],
  ['with only a header', HEADER],
])('a file that is %s begins again', async (_, content) => {
  expect(await appended(fresh(content), true, HEADER)).toEqual({ cursor: null, lines: 1, content: HEADER });
});

test('continues a file that is larger than the part that it reads', async () => {
  const content = `${HEADER}${'1,a,,1,1,0,0,AAAA\n'.repeat(10_000)}1,z,,1,1,0,0,WldX\n1,q`;
  const result = await appended(fresh(content), true, '');
  expect([result.cursor, result.content]).toEqual(['WldX', content.slice(0, -3)]);
});

test.each([
  ['another file', 'a\nb c\n'],
  ['a very long line', 'x'.repeat(100_000)],
])('refuses %s, and does not change it', async (_, content) => {
  const path = fresh(content);
  await expect(openExport(path, true)).rejects.toThrow(/is not an export|has no cursor/);
  expect(readFileSync(path, 'utf8')).toBe(content);
});

test('names a directory, a missing file, and the missing option', async () => {
  await expect(openExport(root, true)).rejects.toThrow(/--output: .* is a directory/);
  await expect(openExport(fresh(), true)).rejects.toThrow(/--output: .* does not exist/);
  await expect(openExport(null, true)).rejects.toThrow('--resume needs --output');
});
