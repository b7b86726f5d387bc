import { ENTRIES, libraryPage, publishedExports } from '../../scripts/reference/library.js';

// test/docs/typescript.test.ts compiles the examples, and test/docs/reference.test.ts compares the page.

const published = publishedExports();

test.each(published.map((each) => [`${each.specifier}: ${each.name}`, each] as const))(
  '%s has a description and an example that imports it',
  (_, { specifier, name, summary, example }) => {
    expect(summary).not.toBe('');
    expect(example).toMatch(new RegExp(`import [^;]*\\b${name}\\b[^;]* from '${specifier}';`));
  },
);

test.each(ENTRIES)('the page lists all values that $specifier exports', async ({ specifier, file }) => {
  const exported = (await import(`../../${file.replace('.ts', '.js')}`)) as object;
  const names = published.filter((each) => each.specifier === specifier).map(({ name }) => name);
  expect(Object.keys(exported).filter((name) => !names.includes(name))).toEqual([]);
});

const page = libraryPage();

test('no two headings of the page have the same anchor', () => {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  expect(headings.length).toBeGreaterThan(50);
  expect(headings.filter((heading, i) => headings.indexOf(heading) !== i)).toEqual([]);
});

test('the page contains no tags of the sources, comments for the linter or names of tests', () => {
  expect(page.match(/\{@link|oxlint|\bB\d\d\b/g)).toBeNull();
});
