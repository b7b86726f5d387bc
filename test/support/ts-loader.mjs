/**
 * Lets a child process of a test run the TypeScript of src/ and test/ itself: `node --import <this file> worker.ts`.
 * The compiled output may be older than the sources, and a test has to judge the sources.
 */
import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import { isMainThread, threadId } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

// The hooks live in a thread of their own, which loads this file again and must not register it once more.
if (isMainThread) register(import.meta.url);

/** The package by its own name, as the examples import it. */
const SELF = { latchkey: '../../src/index.ts', 'latchkey/mongo': '../../src/mongo.ts' };

const OPTIONS = {
  jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

/** What was transformed before, by its source: a hundred processes are started in one run, and all load the same files. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/latchkey-transformed/', import.meta.url));

export async function resolve(specifier, context, next) {
  if (Object.hasOwn(SELF, specifier)) return next(new URL(SELF[specifier], import.meta.url).href, context);
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !context.parentURL?.endsWith('.ts')) return next(specifier, context);
  return next(specifier.replace(/\.js$/, '.ts'), context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const source = await readFile(filename, 'utf8');
  const kept = CACHE + hash('sha256', JSON.stringify([filename, source, OPTIONS]));
  const code = (await readFile(kept, 'utf8').catch(() => null)) ?? (await transformed(source, filename, kept));
  return { format: 'module', source: code, shortCircuit: true };
}

async function transformed(source, filename, kept) {
  const { transform } = await import('@swc/core');
  const { code } = await transform(source, { filename, ...OPTIONS });
  mkdirSync(CACHE, { recursive: true });
  // Whole or not at all: others read while this one writes.
  const written = `${kept}.${process.pid}.${threadId}`;
  await writeFile(written, code);
  await rename(written, kept);
  return code;
}
