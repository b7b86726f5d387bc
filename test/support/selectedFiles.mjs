import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** Somebody waits for a run of one folder. */
const SHARE = '0.2';

/**
 * Lets slow property tests check a fifth of their random values if only folders run, such as in `npm test -- test/core/guard`.
 * `PROPERTY_RUNS=all` checks all of them, like a run of all files or of single ones.
 *
 * @param {{ testPathPatterns?: { patterns: readonly string[] } }} config
 */
export default function limitProperties({ testPathPatterns }) {
  const { PROPERTY_RUNS, PROPERTY_SHARE } = process.env;
  const patterns = testPathPatterns?.patterns ?? [];
  if (PROPERTY_RUNS === 'all' || PROPERTY_SHARE !== undefined) return;
  if (patterns.length === 0 || !patterns.every((pattern) => isFolder(pattern))) return;
  process.env.PROPERTY_SHARE = SHARE;
  console.warn('Slow property tests check a fifth of their random values. PROPERTY_RUNS=all checks all of them.');
}

/** @param {string} pattern */
function isFolder(pattern) {
  const places = [pattern, `test/${pattern}`].map((path) => fileURLToPath(new URL(path, ROOT)));
  return places.some((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
}
