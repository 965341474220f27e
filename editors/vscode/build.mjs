// Bundles the extension, and the page of the chat view, into dist, with the licenses of what is bundled and its own.
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const options = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning', metafile: true };
const bundles = await Promise.all([
  build({
    ...options,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.cjs',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
    mainFields: ['module', 'main'], // the "main" of jsonc-parser requires its files when it runs
  }),
  build({
    ...options,
    entryPoints: ['src/webview/chat.ts', 'src/webview/chat.css'],
    outdir: 'dist',
    target: 'es2022',
    format: 'iife',
  }),
]);

const inputs = bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(inputs.flatMap((input) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []));
const licenses = await Promise.all([...packages].sort().map(licenseOf));
await writeFile('dist/LICENSES.txt', licenses.join('\n\n'));

// What a marketplace shows beside the README.
await Promise.all(['LICENSE', 'CHANGELOG.md'].map((name) => copyFile(`../../${name}`, name)));

/** Returns the name of a package with its license, which a copy has to carry. */
async function licenseOf(folder) {
  const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (!file) {
    throw new Error(`${name} has no file with its license.`);
  }
  return `${name} ${version}\n\n${(await readFile(`${folder}/${file}`, 'utf8')).trim()}\n`;
}
