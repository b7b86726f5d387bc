import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Compressing a smaller file saves less than the additional header field costs. */
const LEAST = 1_000;

const TEXT = /^assets\/.*\.(?:js|css|svg)$/;

/**
 * Writes a Brotli and a gzip version next to each asset: over plain HTTP, browsers accept only gzip. It reads the written
 * files, because Vite adds the list of chunks that a chunk loads last.
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
