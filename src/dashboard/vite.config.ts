import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './compressed.js';
import { notingBundled } from '../../scripts/build/bundled.js';

export default defineConfig(({ command }) => ({
  root: import.meta.dirname,
  // The server may serve the dashboard at any path, and writes it into the page.
  base: command === 'serve' ? '/dashboard/' : './',
  // The server replaces this word with the nonce of the response, which Mantine's style element needs.
  html: { cspNonce: '__CSP_NONCE__' },
  // Hot reload keeps the state of a page. The build doesn't need it.
  plugins: command === 'serve' ? [react()] : [compressed, notingBundled('dashboard')],
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    // The policy allows data: URLs only for images. A separate file for a font or a script can be cached permanently.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    manifest: true,
    rolldownOptions: {
      // Mantine marks its files for React Server Components, which are not used here. This would print about 300
      // warnings.
      onLog: (level, log, tell) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log);
      },
    },
  },
}));
