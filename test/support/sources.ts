import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PROJECT } from './project.js';

export interface Source {
  /** From the project's folder, such as `src/core/net/address.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Returns the files in a folder of the project that people write in TypeScript or JavaScript. @param folder such as `src` */
export function sources(folder: string): Source[] {
  return readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:tsx?|m?js)$/.test(path) && !/(?:^|\/)(?:generated|node_modules)\//.test(path))
    .map((path) => ({ path: `${folder}/${path}`, text: readFileSync(join(PROJECT, folder, path), 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const IMPORTS = /\b(?:import|export)\s(?:type\s)?([^;'"]*?)\sfrom\s'(\.[^']+)'/g;
const DYNAMIC = /\bimport\('(\.[^']+)'\)/g;

/** Yields the names that a file imports from other files: the file without its extension, and the name or `*`. */
export function* importedNames({ path, text }: Source): Generator<readonly [file: string, name: string]> {
  const fileOf = (specifier: string): string =>
    posix
      .join(posix.dirname(path), specifier)
      .replace(/^build\//, 'src/')
      .replace(/\.[a-z]+$/, '');
  for (const [, names = '', specifier = ''] of text.matchAll(IMPORTS)) {
    const [, inBraces] = /\{([^}]*)\}/.exec(names) ?? [];
    const listed = inBraces?.split(',').map((name) => name.trim().replace(/^type /, '')) ?? ['*'];
    for (const name of listed) yield [fileOf(specifier), name.split(' as ')[0] ?? name];
  }
  for (const [, specifier = ''] of text.matchAll(DYNAMIC)) yield [fileOf(specifier), '*'];
}
