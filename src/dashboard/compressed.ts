import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** Smaller ones gain less than a second header costs. */
const LEAST = 1_000;

const TEXT = /^assets\/.*\.(?:js|css|svg)$/;

/** Puts each asset beside itself once by Brotli and once by gzip, which is all that a browser takes over plain HTTP. */
export const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  enforce: 'post',
  generateBundle(_, bundle) {
    for (const [fileName, file] of Object.entries(bundle)) {
      const source = Buffer.from(file.type === 'chunk' ? file.code : file.source);
      if (!TEXT.test(fileName) || source.length < LEAST) continue;
      const brotli = brotliCompressSync(source, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: source.length },
      });
      this.emitFile({ type: 'asset', fileName: `${fileName}.br`, source: brotli });
      this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) });
    }
  },
};
