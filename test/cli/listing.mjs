/** Writes what a process loads to standard error: `node --import <this file> program`. */
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// The hooks live in a thread of their own, which loads this file again and must not register it once more.
if (isMainThread) register(import.meta.url);

export async function load(url, context, next) {
  writeSync(2, `LOADED ${url}\n`);
  return next(url, context);
}
