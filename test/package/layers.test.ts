import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sources } from '../support/sources.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = [
  'shared',
  'core',
  'management',
  'assembly',
  'adapters',
  'demo',
  'server',
  'client',
  'cli',
  'dashboard',
  'conformance',
] as const;
type Folder = (typeof FOLDERS)[number];

/** The folders from which the files of each folder may import. */
const ALLOWED: Readonly<Record<Folder, readonly Folder[]>> = {
  shared: ['shared'],
  core: ['shared', 'core'],
  management: ['shared', 'core', 'management'],
  assembly: ['shared', 'core', 'management', 'assembly'],
  adapters: ['shared', 'core', 'management', 'assembly', 'adapters'],
  demo: ['shared', 'core', 'management', 'demo'],
  server: ['shared', 'core', 'management', 'adapters', 'assembly', 'server'],
  client: ['shared', 'client'],
  cli: ['shared', 'core', 'management', 'server', 'client', 'cli'],
  dashboard: ['shared', 'dashboard'],
  conformance: ['shared', 'conformance'],
};
/** Folders whose files may import a GraphQL server or an HTTP server. */
const WITH_SERVERS: readonly Folder[] = ['adapters', 'server'];

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'layers-'));
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(project, '.oxlintrc.json'));
});
afterAll(() => {
  rmSync(project, { recursive: true });
});

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

/** Lints a project that has only these files. */
function lint(files: ReadonlyMap<string, string>): readonly Diagnostic[] {
  for (const [file, text] of files) {
    const path = join(project, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const options = ['--format', 'json', '--config', join(project, '.oxlintrc.json')];
  const run = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), [...options, 'src'], {
    cwd: project,
    encoding: 'utf8',
  });
  const { diagnostics } = JSON.parse(run.stdout) as { readonly diagnostics: readonly Diagnostic[] };
  expect(run.status).toBe(diagnostics.length === 0 ? 0 : 1);
  rmSync(join(project, 'src'), { recursive: true });
  return diagnostics;
}

/** Lints a project in which each file has one import, and returns the files with a restricted one. */
function restricted(imports: ReadonlyMap<string, string>): Set<string> {
  const diagnostics = lint(new Map([...imports].map(([file, specifier]) => [file, `import '${specifier}';\n`])));
  expect(diagnostics.filter(({ code }) => code !== 'eslint(no-restricted-imports)')).toEqual([]);
  return new Set(diagnostics.map(({ filename }) => filename));
}

describe('the linter', () => {
  test('refuses a cycle of imports, even of types only', () => {
    const found = lint(
      new Map([
        ['src/core/one.ts', "import type { Two } from './two.js';\nexport type One = readonly Two[];\n"],
        ['src/core/two.ts', "import type { One } from './one.js';\nexport type Two = readonly One[];\n"],
        ['src/core/three.ts', "import type { One } from './one.js';\nexport type Three = One;\n"],
      ]),
    );
    expect(found.map(({ code, filename }) => `${filename} ${code}`).sort()).toEqual([
      'src/core/one.ts import(no-cycle)',
      'src/core/two.ts import(no-cycle)',
    ]);
  });

  test('refuses a function with five parameters', () => {
    const found = lint(
      new Map([
        ['src/core/five.ts', 'export const sum = (a = 0, b = 0, c = 0, d = 0, e = 0): number => a + b + c + d + e;\n'],
        ['src/core/four.ts', 'export const sum = (a = 0, b = 0, c = 0, d = 0): number => a + b + c + d;\n'],
      ]),
    );
    expect(found.map(({ code, filename }) => `${filename} ${code}`)).toEqual(['src/core/five.ts eslint(max-params)']);
  });

  test('refuses an import from a layer above, and only that', () => {
    const imports = new Map<string, string>();
    const forbidden: string[] = [];
    for (const from of FOLDERS) {
      for (const to of FOLDERS.filter((folder) => folder !== from)) {
        for (const [depth, up] of [
          ['', '../'],
          ['deep/er/', '../../../'],
        ]) {
          const file = `src/${from}/${depth}${to}.ts`;
          imports.set(file, `${up}${to}/thing.js`);
          if (!ALLOWED[from].includes(to)) forbidden.push(file);
        }
      }
    }
    expect([...restricted(imports)].sort()).toEqual(forbidden.sort());
  });

  test('lets only the service and the command line import the assembled library', () => {
    const files = FOLDERS.map((folder) => [`src/${folder}/x.ts`, '../latchkey.js'] as const);
    const allowed = ['server', 'cli'];
    const forbidden = FOLDERS.filter((folder) => !allowed.includes(folder)).map((folder) => `src/${folder}/x.ts`);
    expect([...restricted(new Map(files))].sort()).toEqual(forbidden.sort());
  });

  test('refuses imports of the service by the library', () => {
    const files = FOLDERS.map((folder) => [`src/${folder}.ts`, `./${folder}/x.js`] as const);
    const forbidden = ['demo', 'server', 'client', 'cli', 'dashboard'].map((folder) => `src/${folder}.ts`);
    expect([...restricted(new Map(files))].sort()).toEqual(forbidden.sort());
  });

  test.each(['@apollo/server', '@apollo/server/errors', 'fastify', '@fastify/cors'])(
    'refuses %s below the adapters',
    (name) => {
      const layers = ['shared', 'core', 'management', ...WITH_SERVERS];
      const files = layers.map((folder) => [`src/${folder}/x.ts`, name] as const);
      expect([...restricted(new Map(files))].sort()).toEqual([
        'src/core/x.ts',
        'src/management/x.ts',
        'src/shared/x.ts',
      ]);
    },
  );

  test.each(['sqlite', 'mongo'])('lets only the store import the engine %s', (engine) => {
    const layers = ['management', 'assembly', 'adapters', 'demo', 'server', 'cli'];
    const files = layers.map((folder) => [`src/${folder}/x.ts`, `../core/store/${engine}/open.js`] as const);
    const own = [
      ['src/core/store/open.ts', `./${engine}/open.js`],
      // The tables of the built-in domain.
      [`src/demo/store/${engine}/x.ts`, `../../../core/store/${engine}/x.js`],
    ] as const;
    const forbidden = layers.map((folder) => `src/${folder}/x.ts`);
    expect([...restricted(new Map([...files, ...own]))].sort()).toEqual(forbidden.sort());
  });

  test('lets only the composition of the service import the built-in domain', () => {
    const files = ['compose', 'seed', 'servedTypeDefs', 'start', 'streams/bus'].map(
      (name) => [`src/server/${name}.ts`, `${name.includes('/') ? '../' : ''}../demo/demo.js`] as const,
    );
    expect([...restricted(new Map(files))].sort()).toEqual(['src/server/start.ts', 'src/server/streams/bus.ts']);
  });
});

test('only the store and the settings know whether MongoDB is used', () => {
  const files = sources('src').filter(({ text }) => /\bmongodbUri\b/.test(text));
  expect(files.map(({ path }) => path)).toEqual(['src/core/store/open.ts', 'src/server/settings/settings.ts']);
});
