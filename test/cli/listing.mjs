/** Writes the modules that a process loads to standard error: `node --import <this file> program`. */
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// The hooks run in a separate thread, which loads this file again and must not register it again.
if (isMainThread) register(import.meta.url);

export async function load(url, context, next) {
  writeSync(2, `LOADED ${url}\n`);
  return next(url, context);
}
