import { defineConfig } from 'vite';

// The service replaces the placeholder by a new nonce in each document: src/web/http/routes.c.
export default defineConfig({
  base: './', // the document's base contains the service's path: src/web/http/routes.c
  html: { cspNonce: '__CSP_NONCE__' },
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the policy forbids data: scripts and styles
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      // "use client" is irrelevant to a bundle for the client alone.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
});
