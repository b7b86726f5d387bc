import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { BUILD, manifest } from './paths.js';

/** Packages that a declaration may import: they are installed with Latchkey, or by the users of that part. Mercurius is a plugin of Fastify. */
const NAMEABLE = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), 'fastify']);

const IMPORTED = /(?:\bfrom |\bimport\(|^import )'([^']+)'/gm;
/** Examples in doc comments import packages, too. */
const COMMENTS = /\/\*\*[^]*?\*\//g;

/**
 * Returns the declarations that these entries reach, as paths in build/. Others are not published.
 *
 * @throws Error if one imports a bundled package, which a compiler can't find
 */
export function reachedTypes(entries) {
  const reached = new Set();
  const left = entries.map((entry) => `${entry}.d.ts`).filter((file) => existsSync(`${BUILD}${file}`));
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const [, id] of readFileSync(`${BUILD}${file}`, 'utf8').replace(COMMENTS, '').matchAll(IMPORTED)) {
      if (id.startsWith('.')) left.push(join(dirname(file), id.replace(/\.js$/, '.d.ts')));
      else if (!id.startsWith('node:') && !NAMEABLE.has(packageOf(id))) {
        throw new Error(`${file} names ${id}, which is bundled, so the compilers of users would not find it.`);
      }
    }
  }
  return reached;
}

function packageOf(id) {
  return id.split('/', id.startsWith('@') ? 2 : 1).join('/');
}
