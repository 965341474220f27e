// Bundles the extension, and the page of the chat view, into dist.
import { build } from 'esbuild';

const options = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning' };
await Promise.all([
  build({
    ...options,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.cjs',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
  }),
  build({
    ...options,
    entryPoints: ['src/webview/chat.ts', 'src/webview/chat.css'],
    outdir: 'dist',
    target: 'es2022',
    format: 'iife',
  }),
]);
