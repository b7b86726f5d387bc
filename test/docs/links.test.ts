import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT } from '../support/project.js';

const namesIn = (folder: string): string[] => readdirSync(join(PROJECT, folder)).map((name) => join(folder, name));
const isFolder = (path: string): boolean => statSync(join(PROJECT, path)).isDirectory();
const pagesIn = (folder: string): string[] =>
  namesIn(folder).flatMap((path) => (isFolder(path) ? pagesIn(path) : path.endsWith('.md') ? [path] : []));

const INDEX = 'docs/README.md';
const DECISIONS = 'docs/explanation/decisions/README.md';
/** Short pages at addresses that earlier versions printed. */
const MOVED = ['docs/configuration.md', 'docs/migrating.md', 'docs/stores.md'];
const pages = pagesIn('docs').filter((path) => path !== INDEX && !MOVED.includes(path));
const examples = namesIn('examples').filter((path) => isFolder(path) && path !== 'examples/shared');
const files = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'examples/README.md',
  INDEX,
  ...pages,
  ...MOVED,
]
  .concat(examples.map((example) => join(example, 'README.md')))
  .filter((path) => existsSync(join(PROJECT, path)));

const read = (file: string): string => readFileSync(join(PROJECT, file), 'utf8');
/** Without code blocks, which contain no links or headings. */
const prose = (file: string): string => read(file).replace(/^```.*?^```$/gms, '');

/** Like GitHub: lower case, without punctuation, hyphens for spaces, and numbered if two are equal. */
function anchorsOf(file: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = [...prose(file).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
  return new Set(anchors);
}

/** Relative links of a file: the text, the target file and the heading. */
function linksOf(file: string): { link: string; target: string; anchor: string | undefined }[] {
  const links = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = '', anchor] = link.split('#');
      return { link, target: path === '' ? file : join(dirname(file), path), anchor };
    });
}

test.each(files)('each relative link of %s has a target', (file) => {
  const broken = linksOf(file).filter(
    ({ target, anchor }) =>
      !existsSync(join(PROJECT, target)) || (anchor !== undefined && !anchorsOf(target).has(anchor)),
  );
  expect(broken.map(({ link }) => link)).toEqual([]);
});

test('the README links the index, the index and the list of decisions every page of docs, and the examples’ README every example', () => {
  expect([pages.length > 10, examples.length > 4]).toEqual([true, true]);
  expect(linksOf('README.md').map(({ target }) => target)).toContain(INDEX);
  const named = new Set([INDEX, DECISIONS].flatMap((page) => linksOf(page).map(({ target }) => target)));
  expect(pages.filter((page) => !named.has(page))).toEqual([]);
  const shown = new Set(linksOf('examples/README.md').map(({ target }) => target));
  expect(examples.filter((example) => !shown.has(example))).toEqual([]);
});

test('each page is a tutorial, a how-to guide, reference or an explanation, except the two at the top', () => {
  expect(pages.filter((path) => !/^docs\/(tutorials|how-to|reference|explanation)\//.test(path))).toEqual([
    'docs/guard-your-api.md',
    'docs/plans.md',
  ]);
});

test('an address that earlier versions printed says where the page is now', () => {
  for (const path of MOVED) expect(read(path)).toMatch(/^# .+\n\nThis page moved to \[(.+)\]\(\1\)/);
});

test('each page of docs that the program names exists', () => {
  const shown = ['src', 'examples', 'schema.graphql', 'latchkey.example.yaml', 'compose.yaml', 'Dockerfile']
    .flatMap((path) => (isFolder(path) ? textFilesIn(path) : [path]))
    .flatMap((path) => read(path).match(/docs\/[\w/-]+\.md(#[\w-]+)?/g) ?? []);
  expect(shown.length).toBeGreaterThan(10);
  const missing = shown.filter((link) => {
    const [path = '', anchor] = link.split('#');
    return (
      MOVED.includes(path) || !existsSync(join(PROJECT, path)) || (anchor !== undefined && !anchorsOf(path).has(anchor))
    );
  });
  expect(missing).toEqual([]);
});

function textFilesIn(folder: string): string[] {
  return namesIn(folder).flatMap((path) => {
    if (path.endsWith('node_modules')) return [];
    return isFolder(path) ? textFilesIn(path) : /\.(tsx?|js|ya?ml|service|md)$/.test(path) ? [path] : [];
  });
}
