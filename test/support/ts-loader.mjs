/**
 * Lets a child process of a test run the TypeScript of src/ and test/ itself: `node --import <this file> worker.ts`.
 * The compiled output may be older than the sources, and a test has to judge the sources.
 */
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

// The hooks live in a thread of their own, which loads this file again and must not register it once more.
if (isMainThread) register(import.meta.url);

/** The package by its own name, as the examples import it. */
const SELF = { latchkey: '../../src/index.ts', 'latchkey/mongo': '../../src/mongo.ts' };

export async function resolve(specifier, context, next) {
  if (Object.hasOwn(SELF, specifier)) return next(new URL(SELF[specifier], import.meta.url).href, context);
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !context.parentURL?.endsWith('.ts')) return next(specifier, context);
  return next(specifier.replace(/\.js$/, '.ts'), context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
