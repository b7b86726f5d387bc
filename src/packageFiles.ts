import { readFileSync } from 'node:fs';

/**
 * A file that comes with the package and is no module: the schema, pages, assets.
 *
 * Here alone a path is told from a module's own place. The build bundles modules into files of other names, and keeps this
 * one in dist/ itself (scripts/build/bundle.js), one step below the package's directory as it is in src/.
 *
 * @param path from the package's directory, as in `schema.graphql`
 */
export function packageFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/**
 * Returns the entry of a worker thread. The build keeps entries in dist/ itself. A thread can't load the sources, which are
 * TypeScript, so a script for development bundles them first.
 *
 * @param name the name of the entry's module in `src`, without an extension
 */
export function threadEntry(name: string): URL {
  const runsSources = import.meta.url.endsWith('.ts');
  return runsSources ? packageFile(`scripts/sources/${name}.mjs`) : new URL(`./${name}.js`, import.meta.url);
}

/** As package.json has it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }).version;
}
