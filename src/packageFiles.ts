import { readFileSync } from 'node:fs';

/**
 * Returns the URL of a file in the package that is not a module, such as the schema or a page.
 *
 * Only this file determines paths from the location of a module. The build bundles other modules into different files, but
 * keeps this one directly in dist/ (scripts/build/bundle.js), so that it is one level below the package's directory as in src/.
 *
 * @param path relative to the package's directory, such as `schema.graphql`
 */
export function packageFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/**
 * Returns the URL of the entry of a worker thread. The build keeps entries directly in dist/. A thread can't load the
 * TypeScript sources, so a script for development bundles them first.
 *
 * @param name the name of the entry's module in `src`, without an extension
 */
export function threadEntry(name: string): URL {
  const runsSources = import.meta.url.endsWith('.ts');
  return runsSources ? packageFile(`scripts/sources/${name}.mjs`) : new URL(`./${name}.js`, import.meta.url);
}

/** Returns the version in package.json. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }).version;
}
