import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONS } from '../../src/settings/options.js';
import { PROJECT } from '../support/project.js';

/** A file of the project, by its path there. */
export function projectFile(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** Names of settings, and of the one variable besides that Latchkey looks at. */
export const SETTINGS: readonly string[] = [...Object.keys(OPTIONS), 'NODE_ENV'];

/** Settings whose values are secrets, and so stand in no file of the repository. */
export const SECRETS: readonly string[] = Object.entries(OPTIONS).flatMap(([name, option]) =>
  'secret' in option ? [name] : [],
);
