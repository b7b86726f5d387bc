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

/** As package.json has it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }).version;
}
