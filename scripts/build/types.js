import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { BUILD, manifest } from './paths.js';

/** What a declaration may name beside files: what is installed with the package, or by whoever uses that part. */
const NAMEABLE = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);

const IMPORTED = /(?:\bfrom |\bimport\(|^import )'([^']+)'/gm;

/**
 * The declarations that these entries reach, as paths in build/: the others are nobody's business.
 * @throws Error where one names a package that is bundled, and so is not there for a compiler
 */
export function reachedTypes(entries) {
  const reached = new Set();
  const left = entries.map((entry) => `${entry}.d.ts`).filter((file) => existsSync(`${BUILD}${file}`));
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const [, id] of readFileSync(`${BUILD}${file}`, 'utf8').matchAll(IMPORTED)) {
      if (id.startsWith('.')) left.push(join(dirname(file), id.replace(/\.js$/, '.d.ts')));
      else if (!id.startsWith('node:') && !NAMEABLE.has(packageOf(id))) {
        throw new Error(`${file} names ${id}, which is bundled: a compiler of its users would not find it.`);
      }
    }
  }
  return reached;
}

function packageOf(id) {
  return id.split('/', id.startsWith('@') ? 2 : 1).join('/');
}
