/**
 * Lets a child process of a test run the TypeScript of src/ and test/: `node --import <this file> worker.ts`. The
 * compiled output can be older than the sources, and tests must use the sources.
 */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { isMainThread, threadId } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

// The hooks run in a separate thread, which loads this file again and must not register it again.
if (isMainThread) register(import.meta.url);

/** The package by its name, as in the imports of the examples. */
const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const SELF = Object.fromEntries(
  Object.entries(exports).map(([path, { types }]) => [
    `latchkey${path.slice(1)}`,
    types.replace('./dist/types/', '../../src/').replace('.d.ts', '.ts'),
  ]),
);

const OPTIONS = {
  jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
  // Separate from the code: V8 would read an inline map with each load, and it is needed only for the stack traces of failures.
  sourceMaps: true,
};

/** A cache of transformed files by their source: one run starts a hundred processes, which all load the same files. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/latchkey-transformed/', import.meta.url));

/** Jest loads each test file under an address with a number, and gives that number to all modules of test/ that the file imports. */
const FILE = /\?file=\d+$/;
const TESTS = new URL('../', import.meta.url).href;
/** These files in test/ are not part of a test file, and are loaded once. */
const GLOBALS = new URL('./realm/globals.mjs', import.meta.url).href;

export async function resolve(specifier, context, next) {
  const { parentURL = '' } = context;
  if (specifier === '@jest/globals') return { url: GLOBALS, format: 'module', shortCircuit: true };
  if (Object.hasOwn(SELF, specifier)) return next(new URL(SELF[specifier], import.meta.url).href, context);
  const [file = ''] = FILE.exec(parentURL) ?? [];
  if (!/^\.{1,2}\//.test(specifier) || !parentURL.slice(0, parentURL.length - file.length).endsWith('.ts'))
    return next(specifier, context);
  const { url, ...resolved } = await next(sourceOf(specifier, parentURL), context);
  return { ...resolved, url: file !== '' && url.startsWith(TESTS) ? `${url}${file}` : url };
}

/** Returns the address of the source file for an import of `./name.js` or `./name`. */
function sourceOf(specifier, parentURL) {
  const source = new URL(specifier.replace(/(\.js)?$/, '.ts'), parentURL);
  return existsSync(source) ? source.href : specifier;
}

export async function load(url, context, next) {
  const [path] = url.split('?', 1);
  if (!path.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(path);
  const source = await readFile(filename, 'utf8');
  const kept = keptAt(filename, source);
  const code = (await readFile(kept, 'utf8').catch(() => null)) ?? (await transformed(source, filename, kept));
  return { format: 'module', source: code, shortCircuit: true };
}

/** Returns the path of the transformed source. Its source map has this path with `.map`. */
export const keptAt = (filename, source) => CACHE + hash('sha256', JSON.stringify([filename, source, OPTIONS]));

async function transformed(source, filename, kept) {
  const { transform } = await import('@swc/core');
  const { code, map = '' } = await transform(source, { filename, ...OPTIONS });
  mkdirSync(CACHE, { recursive: true });
  // The code comes last: it is never there without its map.
  await keep(`${kept}.map`, map);
  await keep(kept, code);
  return code;
}

/** Renames the file into place, because other processes read it at the same time. */
async function keep(path, text) {
  const written = `${path}.${process.pid}.${threadId}`;
  await writeFile(written, text);
  await rename(written, path);
}
