import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { PROJECT } from '../support/project.js';

/** A module of bench/ and the names that it imports from the build. */
interface Imported {
  readonly by: string;
  readonly source: string;
  readonly names: readonly string[];
}

const scripts = readdirSync(join(PROJECT, 'bench'), { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.js') && !path.includes('node_modules'),
);

const imports: readonly Imported[] = scripts.flatMap((path) => {
  const by = join('bench', path);
  const text = readFileSync(join(PROJECT, by), 'utf8');
  return [...text.matchAll(/import \{([^}]+)\} from '([^']*build\/[^']+)\.js'/g)].map(([, list = '', from = '']) => ({
    by,
    source: normalize(join(dirname(by), from)).replace(/^build\//, 'src/'),
    names: [...list.matchAll(/(\w+)(?: as \w+)?/g)].map(([, name = '']) => name),
  }));
});

// The compiler doesn't check scripts, and CI doesn't run the benchmarks.
test('the benchmarks import modules and names that exist', () => {
  expect(imports.length).toBeGreaterThan(20);
  const missing = imports.flatMap(({ by, source, names }) => {
    const file = join(PROJECT, `${source}.ts`);
    if (!existsSync(file)) return [`${by}: ${source}`];
    const text = readFileSync(file, 'utf8');
    const isExported = (name: string) =>
      new RegExp(`export (async )?(function|const|class) ${name}\\b|export \\{[^}]*\\b${name}\\b`).test(text);
    return names.filter((name) => !isExported(name)).map((name) => `${by}: ${name} of ${source}`);
  });
  expect(missing).toEqual([]);
});
