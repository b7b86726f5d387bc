import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What tsc makes: a file for each module, with its declarations. */
export const BUILD = `${ROOT}build/`;
/** What is started, imported and packed. */
export const DIST = `${ROOT}dist/`;

export const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
