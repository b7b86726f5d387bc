import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The output of tsc: a file for each module, with its declarations. */
export const BUILD = `${ROOT}build/`;
/** The files that are started, imported and packed. */
export const DIST = `${ROOT}dist/`;

export const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
