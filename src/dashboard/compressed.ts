import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Smaller ones gain less than a second header costs. */
const LEAST = 1_000;

const TEXT = /^assets\/.*\.(?:js|css|svg)$/;

/**
 * Puts each asset beside itself once by Brotli and once by gzip, which is all that a browser takes over plain HTTP. Off the
 * files as they were written: before that, Vite has not put in which chunks a chunk loads.
 */
export const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir = '' }, bundle) {
    for (const name of Object.keys(bundle).filter((name) => TEXT.test(name))) {
      const source = await readFile(join(dir, name));
      if (source.length < LEAST) continue;
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: source.length };
      await writeFile(join(dir, `${name}.br`), brotliCompressSync(source, { params }));
      await writeFile(join(dir, `${name}.gz`), gzipSync(source, { level: 9 }));
    }
  },
};
