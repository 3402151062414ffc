import { defineConfig } from 'vite';

// The service replaces the place with a fresh nonce in each document: src/web/http/routes.c.
export default defineConfig({
  base: './', // the document's base says where the service lies: src/web/http/routes.c
  html: { cspNonce: '__CSP_NONCE__' },
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // a data: script or style would be against the policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      // "use client" means nothing to a bundle that is all for the client.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
});
