import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { PROJECT } from '../support/project.js';
import { hitsIn, RULES } from './prose/rules.js';
import { filesIn, READERS, textsOf } from './prose/texts.js';

/** Files that are checked, in addition to those in {@link FOLDERS}. */
const FILES: readonly string[] = [
  '.ci/debian',
  '.ci/run',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'compose.yaml',
  'jest.byHand.js',
  'jest.config.js',
  'latchkey.example.yaml',
  'schema.graphql',
  'src/demo/schema.graphql',
];
const FOLDERS: readonly string[] = ['.github', 'bench', 'docs', 'examples', 'scripts', 'src', 'test'];

/** Each file, and each entry of the folders, so that the title of a failure names the place. */
const CHECKED = [
  ...FILES,
  ...FOLDERS.flatMap((folder) => readdirSync(join(PROJECT, folder)).map((name) => join(folder, name))),
].filter((path) => !path.endsWith('/node_modules') && filesIn(path).length > 0);

it.each(CHECKED)('the texts of %s follow the writing rules', (path) => {
  const files = filesIn(path);
  const hits = files.flatMap((file) =>
    textsOf(file).flatMap(({ line, text }) =>
      hitsIn(text).map((hit) => `${file}:${line + hit.line}: "${hit.found}" (${hit.rule.name}). ${hit.rule.hint}`),
    ),
  );
  expect(hits).toEqual([]);
  expect(files.length).toBeGreaterThan(0);
});

it('checks every text of the repository', () => {
  const files = readdirSync(PROJECT, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^\w/.test(entry.name),
  );
  const texts = files.map(({ name }) => name).filter((name) => Object.hasOwn(READERS, extname(name)));
  expect(texts.filter((name) => !FILES.includes(name))).toEqual([]);
  expect(FOLDERS.filter((folder) => filesIn(folder).length === 0)).toEqual([]);
  expect(new Set(FILES).size).toBe(FILES.length);
});

describe.each(RULES)('the rule "$name"', ({ name, bad, good }) => {
  const found = (text: string): boolean => hitsIn(text).some(({ rule }) => rule.name === name);

  it.each(bad)('finds: %s', (text) => expect(found(text)).toBe(true));
  it.each(good)('does not find: %s', (text) => expect(found(text)).toBe(false));
});

describe('the texts of a file', () => {
  const of = (file: string, source: string) => textsOf(file, source).map(({ line, kind, text }) => [line, kind, text]);

  it('are the comments and strings of a script, without code', () => {
    const source = [
      '/**',
      ' * Returns a key.',
      ' */',
      'import x from "not a text";',
      '// One comment',
      '// on two lines.',
      'throw new Error(`Unknown key ${id}: ` + "create one.");',
      'const query = "{ viewer { name } }";',
    ].join('\n');
    expect(of('src/a.ts', source)).toEqual([
      [1, 'comment', expect.stringContaining('Returns a key.')],
      [5, 'comment', 'One comment\non two lines.'],
      [7, 'string', 'Unknown key …: create one.'],
    ]);
  });

  it('are the text between the tags of a page, and its attributes', () => {
    const source = 'export const a = <p title="Your key">Copy <b>this</b> key.</p>;';
    expect(of('src/a.tsx', source).map(([, , text]) => text)).toEqual(
      expect.arrayContaining(['Your key', 'Copy … key.']),
    );
  });

  it('are the titles of a test, and not its other strings', () => {
    const source = "it.each(['an input'])('rejects %s', () => { expect(error).toBe('an expected text'); });";
    expect(of('test/a.test.ts', source)).toEqual([[1, 'title', 'rejects %s']]);
  });

  it('are the descriptions of a schema', () => {
    expect(of('a.graphql', '"""\nThe API key.\n"""\ntype Key {\n  "Its name."\n  name: String\n}')).toEqual([
      [1, 'description', 'The API key.'],
      [5, 'description', 'Its name.'],
    ]);
  });

  it('are the comments of a shell script', () => {
    expect(of('run', '#!/bin/sh\n# Runs\n# checks.\necho "# none"\n')).toEqual([[2, 'comment', 'Runs\nchecks.']]);
  });

  it('are the paragraphs of a page without its code', () => {
    const source = '# Keys\n\n```sh\nstands alone\n```\n\nA key has\na [name](names.md).\n';
    expect(of('a.md', source)).toEqual([
      [1, 'paragraph', '# Keys'],
      [7, 'paragraph', 'A key has\na [name].'],
    ]);
  });

  it('have hits at their lines, and none in code or quotations', () => {
    expect(hitsIn('A key\nthat is told\nwhy.').map(({ line, found }) => [line, found])).toEqual([[1, 'told']]);
    expect(hitsIn('The option `alone` and the word "told", see {@link shall}.')).toEqual([]);
  });
});
