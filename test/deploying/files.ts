import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONS } from '../../src/server/settings/options.js';
import { PROJECT } from '../support/project.js';

/** Reads a file of the project by its path. */
export function projectFile(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** Names of settings, and of the other variable that Latchkey reads. */
export const SETTINGS: readonly string[] = [...Object.keys(OPTIONS), 'NODE_ENV'];

/** Settings with secret values, which no file of the repository may contain. */
export const SECRETS: readonly string[] = Object.entries(OPTIONS).flatMap(([name, option]) =>
  'secret' in option ? [name] : [],
);
