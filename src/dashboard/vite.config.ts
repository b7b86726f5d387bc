import { defineConfig } from 'vite';
import { compressed } from './compressed.js';
import { notingBundled } from '../../scripts/build/bundled.js';

export default defineConfig({
  root: import.meta.dirname,
  base: '/dashboard/',
  // In place of this word the server writes each answer's nonce: Mantine's own style element needs one.
  html: { cspNonce: '__CSP_NONCE__' },
  plugins: [compressed, notingBundled('dashboard')],
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    // The policy lets in no data: but images, and a font or script of its own file is cached for good.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    manifest: true,
    rolldownOptions: {
      // Mantine marks its files for servers that render React, which nothing here does: some 300 warnings.
      onLog: (level, log, tell) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log);
      },
    },
  },
});
