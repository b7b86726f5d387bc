import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './project.js';

/** The last time that a source of the service or of the command line was changed. The dashboard is built separately. */
function newest(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { withFileTypes: true }).map((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return entry.name === 'dashboard' ? 0 : newest(path);
      return statSync(path).mtimeMs;
    }),
  );
}

/** Returns whether dist/ exists and was built from the current sources, which tests must use. */
export const isBuilt =
  (statSync(join(PROJECT, 'dist/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest(join(PROJECT, 'src'));
