import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The output of tsc: a file for each module, with its declarations. */
export const BUILD = `${ROOT}build/`;
/** The files that are started, imported and packed. */
export const DIST = `${ROOT}dist/`;

export const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));

/** The sources of the package's exports, without extension and below src/: `index`, `client/index`, … */
export const ENTRIES = Object.values(manifest.exports).map(({ types }) => /types\/(.+)\.d\.ts$/.exec(types)[1]);
