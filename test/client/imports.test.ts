import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';

/** Modules that exist in a browser and in an installed package. */
const PACKAGES = ['@graphql-typed-document-node/core', 'bottleneck', 'bottleneck/light.js', 'graphql'];

const directory = join(PROJECT, 'src/client');
/** Files for Node, which no other file imports. */
const ON_NODE = ['node.ts', 'proxyFetch.ts'];
const files = readdirSync(directory).filter((file) => !ON_NODE.includes(file));
/** Returns a file without its comments, whose examples import packages. */
const codeOf = (file: string) => readFileSync(join(directory, file), 'utf8').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
const imports = files.flatMap((file) =>
  [...codeOf(file).matchAll(/(?:\bfrom |\bimport\(|^import )['"]([^'"]+)['"]/gm)].map(([, name]) => [file, name]),
);

it('the client imports only itself and modules that run in browsers', () => {
  const others = imports.filter(
    ([, name = '']) =>
      !PACKAGES.includes(name) &&
      !/^\.\/[A-Za-z]+\.js$|^\.\.\/shared\/(?:dates\/[A-Za-z]+|optionChecks|callbacks)\.js$/.test(name),
  );
  expect(others).toEqual([]);
  expect(imports.filter(([, name = '']) => ON_NODE.some((file) => name === `./${file.replace('.ts', '.js')}`))).toEqual(
    [],
  );
  // Without any file the test above would always pass.
  expect(imports.length).toBeGreaterThan(30);
});

it('the helper for functions in options imports nothing', () => {
  expect(readFileSync(join(PROJECT, 'src/shared/callbacks.ts'), 'utf8')).not.toMatch(/^import /m);
});

it('no file uses an API that only Node has', () => {
  for (const file of files) {
    if (file === 'environment.ts') continue;
    const text = readFileSync(join(directory, file), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    expect([file, text.match(/\b(?:Buffer|process|NodeJS|require|setImmediate|__dirname|unref)\b/g)]).toEqual([
      file,
      null,
    ]);
  }
});
