import { jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from '../support/built.js';
import { PROJECT } from '../support/project.js';
import { run } from '../support/run.js';
import { ENTRIES } from '../../scripts/reference/library.js';

// The compiler reads the sources if the build is older.
jest.setTimeout(240_000);

/** Pages for people, as paths in the project. */
const pages = [
  'README.md',
  'SECURITY.md',
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))
      .map((path) => join(folder, path)),
  ),
];

interface Block {
  /** Of its first line, from 0. */
  readonly line: number;
  readonly lines: readonly string[];
}

/** Blocks of TypeScript in a page. */
function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    if (!/^ *```(ts|tsx|mts|typescript)\b/.test(lines[i] ?? '')) continue;
    const end = lines.findIndex((line, at) => at > i && /^ *```\s*$/.test(line));
    blocks.push({ line: i + 1, lines: lines.slice(i + 1, end) });
    i = end;
  }
  return blocks;
}

/** Names that a block declares at its top level: by import, const, let, function or class. */
function declaredIn({ lines }: Block): string[] {
  return lines.flatMap((line) => {
    const list = /^(?:import|import type|const|let) \{([^}]*)\}/.exec(line)?.[1];
    if (list !== undefined)
      return list.split(',').map(
        (name) =>
          name
            .trim()
            .replace(/^type /, '')
            .split(/ as |: /)
            .at(-1) ?? '',
      );
    return /^(?:export )?(?:import|const|let|async function|function|class) (\w+)/.exec(line)?.slice(1) ?? [];
  });
}

/**
 * The modules of a page: a block continues the previous ones, unless it declares one of their names again. Each line
 * has the same number as in the page.
 */
function modulesOf(text: string): string[] {
  const modules: { names: Set<string>; lines: string[] }[] = [];
  for (const block of blocksOf(text)) {
    const names = declaredIn(block);
    let module = modules.at(-1);
    if (module === undefined || names.some((name) => module?.names.has(name))) {
      modules.push((module = { names: new Set(), lines: [] }));
    }
    for (const name of names) module.names.add(name);
    while (module.lines.length < block.line) module.lines.push('');
    module.lines.push(...block.lines);
  }
  return modules.map(({ lines }) => [...lines, 'export {};', ''].join('\n'));
}

/** Resolves the package like a user's project: its declarations, or the sources if the build is older. */
const [from, ending] = isBuilt ? ['dist/types', 'd.ts'] : ['src', 'ts'];
const entry = (name: string) => [join(PROJECT, from, `${name}.${ending}`)];

const OPTIONS = {
  strict: true,
  // For the pages about NestJS.
  experimentalDecorators: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  target: 'ES2023',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  skipLibCheck: true,
  paths: Object.fromEntries(
    ENTRIES.map(({ specifier, file }) => [specifier, entry(file.replace(/^src\/|\.ts$/g, ''))]),
  ),
};

test('U3: every TypeScript block of the docs compiles under strict', async () => {
  // Next to node_modules, but not in the repository.
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  const directory = mkdtempSync(join(PROJECT, 'build', 'docs-'));
  try {
    const files = pages.flatMap((page) =>
      modulesOf(readFileSync(join(PROJECT, page), 'utf8')).map((text, i) => {
        const file = `${page.replaceAll('/', '+')}.${i}.ts`;
        writeFileSync(join(directory, file), text);
        return file;
      }),
    );
    expect(files.length).toBeGreaterThan(5);
    // Shows that the compiler checks the blocks: it must report this error.
    writeFileSync(
      join(directory, 'wrong.ts'),
      "import { createLatchkey } from 'latchkey';\nvoid createLatchkey({ stor: 1 });\n",
    );
    const tsconfig = { compilerOptions: OPTIONS, files: [...files, 'wrong.ts'] };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
    const { stdout } = await run(
      process.execPath,
      [
        join(PROJECT, 'node_modules/typescript/bin/tsc'),
        // Each of several threads would check the declarations of all packages for itself.
        ...['-p', directory, '--pretty', 'false', '--singleThreaded'],
      ],
      { timeout: 200_000 },
    );
    const errors = stdout
      .split('\n')
      // `npm run typecheck` checks the sources, with separate options.
      .filter((line) => line.includes('error TS') && !line.startsWith('src/'))
      // The page and its line.
      .map((line) =>
        line
          .replace(/^.*docs-[^/]*\//, '')
          .replaceAll('+', '/')
          .replace(/\.md\.\d+\.ts\((\d+),\d+\)/, '.md:$1'),
      );
    expect(errors).toEqual([expect.stringMatching(/^wrong\.ts.*'stor' does not exist/)]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('joins the blocks of a page until one declares a name again, and keeps their lines', () => {
  const page = [
    '# A',
    '```ts',
    'const a = 1;',
    '```',
    'text',
    '```ts',
    'void a;',
    '```',
    '```sh',
    'x',
    '```',
    '```ts',
    'const a = 2;',
    '```',
  ];
  expect(modulesOf(page.join('\n'))).toEqual([
    ['', '', 'const a = 1;', '', '', '', 'void a;', 'export {};', ''].join('\n'),
    [...Array.from({ length: 12 }, () => ''), 'const a = 2;', 'export {};', ''].join('\n'),
  ]);
});
