import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './project.js';

export interface Source {
  /** From the project's folder, such as `src/core/net/address.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Returns the TypeScript files in `src` that people write. */
export function sources(): Source[] {
  return readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('/generated/'))
    .map((path) => ({ path: `src/${path}`, text: readFileSync(join(PROJECT, 'src', path), 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
