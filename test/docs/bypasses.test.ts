import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';
import { documentOf } from '../support/session.js';

const page = documentOf('docs/explanation/bypasses.md');
const onPage = [...page.matchAll(/^\| <a id="b(\d\d)"><\/a>(B\d\d) \| .+ \| .+ \| .+ \|$/gm)];
const numbers = onPage.map(([, , number = '']) => number);

/** The numbers in the files of a folder, as `B31` or within a range of words. */
function numbersIn(folder: string): Set<string> {
  const files = readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(ts|tsx)$/.test(path),
  );
  return new Set(
    files.flatMap((path) => readFileSync(join(PROJECT, folder, path), 'utf8').match(/\bB[0-4]\d\b/g) ?? []),
  );
}

test('the page lists B01 to B43 in order, with the anchor of each, but for the two that are not in use', () => {
  const all = Array.from({ length: 43 }, (_, i) => `B${String(i + 1).padStart(2, '0')}`);
  expect(numbers).toEqual(all.filter((number) => number !== 'B11' && number !== 'B13'));
  for (const [, anchor, number] of onPage) expect(number).toBe(`B${anchor}`);
});

test('each bypass of the page has a test, and each number in test/bypass is on the page', () => {
  expect([...numbersIn('test/bypass')].sort()).toEqual(numbers);
});

test('the code that prevents a bypass names its number, and names no other', () => {
  expect([...numbersIn('src')].sort()).toEqual(numbers);
});

test('each complaint about plans on the page has a test, and each number of a test is on the page', () => {
  const listed = [...page.matchAll(/^\| (P0\d) \| .+ \| .+ \|$/gm)].map(([, number = '']) => number);
  const tested = new Set(
    ['test/e2e', 'test/core'].flatMap((folder) =>
      readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.test.ts'))
        .flatMap((path) => readFileSync(join(PROJECT, folder, path), 'utf8').match(/\bP0\d(?=: )/g) ?? []),
    ),
  );
  expect(listed.length).toBe(7);
  expect([...tested].sort()).toEqual(listed);
});
