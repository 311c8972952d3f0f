// esbuild.mjs FOLDER: everything it writes has a hash in its name, as it is told so; its metafile lists what it wrote.
import { build } from 'esbuild';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
process.chdir(folder);
const result = await build({
  entryPoints: ['src/main.js'], bundle: true, splitting: true, format: 'esm', minify: true, sourcemap: true, outdir: 'dist', metafile: true,
  entryNames: '[name]-[hash]', chunkNames: 'chunks/[name]-[hash]', assetNames: 'assets/[name]-[hash]', loader: { '.svg': 'file' },
});
writeFileSync('hashed.json', JSON.stringify(Object.keys(result.metafile.outputs).map(name => path.relative('dist', name))));
