import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';

/** Modules that exist in a browser and in an installed package. */
const PACKAGES = ['@graphql-typed-document-node/core', 'bottleneck', 'bottleneck/light.js', 'graphql'];

const directory = join(PROJECT, 'src/client');
const files = readdirSync(directory);
const imports = files.flatMap((file) =>
  [...readFileSync(join(directory, file), 'utf8').matchAll(/(?:\bfrom |\bimport\(|^import )['"]([^'"]+)['"]/gm)].map(
    ([, name]) => [file, name],
  ),
);

it('the client imports only itself and modules that run in browsers', () => {
  const others = imports.filter(
    ([, name = '']) =>
      !PACKAGES.includes(name) &&
      !/^\.\/[A-Za-z]+\.js$|^\.\.\/dates\/[A-Za-z]+\.js$|^\.\.\/(?:options|contained)\.js$/.test(name),
  );
  expect(others).toEqual([]);
  // Without any file the test above would always pass.
  expect(imports.length).toBeGreaterThan(30);
});

it('the helper for functions in options imports nothing', () => {
  expect(readFileSync(join(PROJECT, 'src/shared/contained.ts'), 'utf8')).not.toMatch(/^import /m);
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
