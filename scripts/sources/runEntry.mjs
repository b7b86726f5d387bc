// Runs the source of a worker thread's entry. Node 20 can't load TypeScript, and hooks that transform each module would take
// longer than the thread's work in most tests. So the modules are bundled into one file, which is kept until one of them changes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = `${ROOT}node_modules/.cache/latchkey-threads/`;

/** Runs an entry. @param module its module, such as `src/core/store/sqlite/threadMain.ts` */
export async function runEntry(module) {
  // Several checkouts may share one node_modules.
  const name = createHash('sha256').update(`${ROOT} ${module}`).digest('hex').slice(0, 16);
  const record = `${CACHE}${name}.json`;
  await import(pathToFileURL(kept(record) ?? (await bundled(module, record))).href);
}

/**
 * Returns the bundle of the current modules. Null: it must be made, for example for a copy of another checkout with its
 * cache.
 */
function kept(record) {
  try {
    const { file, modules } = JSON.parse(readFileSync(record, 'utf8'));
    statSync(file);
    const isOwn = ([path, changedAt]) => path.startsWith(ROOT) && statSync(path).mtimeMs === changedAt;
    return modules.every(isOwn) ? file : null;
  } catch {
    return null;
  }
}

async function bundled(module, record) {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: `${ROOT}${module}`,
    platform: 'node',
    external: (id) => !/^[./]/.test(id),
    resolve: { extensionAlias: { '.js': ['.ts'] } },
  });
  const { output } = await bundle.generate({ format: 'es', codeSplitting: false, sourcemap: true });
  await bundle.close();
  const [{ code, map, moduleIds }] = output;
  const modules = moduleIds.filter((path) => path.endsWith('.ts')).map((path) => [path, statSync(path).mtimeMs]);
  const name = `${process.pid}-${threadId}-${Date.now()}`;
  const file = `${CACHE}${name}.mjs`;
  mkdirSync(CACHE, { recursive: true });
  // For debuggers. In the file itself, every start of a thread would read it.
  writeFileSync(`${file}.map`, JSON.stringify(map));
  writeFileSync(file, `${code.replace(/\n\/\/# sourceMappingURL=.*/, '')}\n//# sourceMappingURL=${name}.mjs.map\n`);
  // Renamed into place, because other threads read it while this one writes.
  writeFileSync(`${CACHE}${name}.json`, JSON.stringify({ file, modules }));
  renameSync(`${CACHE}${name}.json`, record);
  return file;
}
