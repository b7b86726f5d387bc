import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {string[]} */
const made = [];

/** @returns {string} a directory that is removed at the end */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  made.push(directory);
  return directory;
}

export function removeTemporary() {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}
