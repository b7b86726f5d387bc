import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from '../support/project.js';

/**
 * Copies an example of examples/apollo to a separate directory before the tests, and installs a package there that is not
 * installed in the project: it is large, or does not support every version of Node that Latchkey supports.
 *
 * @param shared packages of the project that the example uses, too
 * @returns a function that loads the example
 */
export function installApart<Example>(
  name: string,
  package_: string,
  shared: readonly string[] = [],
): () => Promise<Example> {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), `latchkey-${name}-`));
    writeFileSync(join(directory, 'package.json'), '{ "type": "module", "private": true }');
    const options = ['--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    const { status, stderr } = spawnSync('npm', ['install', ...options, package_], {
      cwd: directory,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    for (const each of ['@apollo', 'graphql', ...shared]) {
      symlinkSync(join(PROJECT, 'node_modules', each), join(directory, 'node_modules', each));
    }
    copyFileSync(join(PROJECT, `examples/apollo/${name}.js`), join(directory, `${name}.js`));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return async () => (await import(pathToFileURL(join(directory, `${name}.js`)).href)) as Example;
}
