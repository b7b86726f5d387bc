import { publishedExports } from '../../scripts/reference/library.js';
import * as client from '../../src/client/index.js';
import * as main from '../../src/index.js';
import * as mongo from '../../src/mongo.js';

// test/docs/typescript.test.ts compiles the examples, and test/docs/reference.test.ts compares the page.

const published = publishedExports();

test.each(published.map((each) => [`${each.specifier}: ${each.name}`, each] as const))(
  '%s has a description and an example that imports it',
  (_, { specifier, name, summary, example }) => {
    expect(summary).not.toBe('');
    expect(example).toMatch(new RegExp(`import [^;]*\\b${name}\\b[^;]* from '${specifier}';`));
  },
);

test.each([
  ['latchkey', main],
  ['latchkey/mongo', mongo],
  ['latchkey/client', client],
])('the page lists all values that %s exports', (specifier, exported) => {
  const names = published.filter((each) => each.specifier === specifier).map(({ name }) => name);
  expect(Object.keys(exported).filter((name) => !names.includes(name))).toEqual([]);
});
