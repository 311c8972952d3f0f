// pack.mjs webpack|rspack STYLE FOLDER: the application in FOLDER into FOLDER/dist, and which files have a hash in their name, by the
// tool's own word ("immutable"), into FOLDER/hashed.json. STYLE: the names that frameworks give.
import { createRequire } from 'node:module';
import path from 'node:path';
import { writeFileSync } from 'node:fs';

const [tool, style, folder] = process.argv.slice(2);
const pack = createRequire(import.meta.url)(tool === 'webpack' ? 'webpack' : '@rspack/core');

const STYLES = {
  // Create React App, Vue CLI
  framework: {
    filename: 'static/js/[name].[contenthash:8].js', chunkFilename: 'static/js/[name].[contenthash:8].chunk.js',
    cssFilename: 'static/css/[name].[contenthash:8].css', cssChunkFilename: 'static/css/[name].[contenthash:8].chunk.css',
    assetModuleFilename: 'static/media/[name].[hash][ext]',
  },
  // Rsbuild
  rsbuild: {
    filename: 'static/js/[name].[contenthash:10].js', chunkFilename: 'static/js/async/[name].[contenthash:10].js',
    cssFilename: 'static/css/[name].[contenthash:10].css', cssChunkFilename: 'static/css/async/[name].[contenthash:10].css',
    assetModuleFilename: 'static/svg/[name].[contenthash:10][ext]',
  },
  // What [contenthash] is when nobody says how long
  plain: { filename: '[name].[contenthash].js', cssFilename: '[name].[contenthash].css' },
  // Gatsby
  dashed: { filename: '[name]-[contenthash].js', cssFilename: 'styles.[contenthash].css', cssChunkFilename: '[id].[contenthash].css',
            assetModuleFilename: 'static/[name]-[hash][ext]' },
};

const configuration = {
  mode: 'production', context: folder, entry: './src/main.js', devtool: style === 'framework' ? 'source-map' : false,
  output: { path: path.join(folder, 'dist'), clean: true, ...STYLES[style] },
  experiments: { css: true },
  module: { rules: [{ test: /\.svg$/, type: 'asset/resource' }, { test: /\.css$/, type: 'css/auto' }] },
  optimization: { chunkIds: 'named', runtimeChunk: 'single' },
};

pack(configuration, (error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString('errors-only'));
    process.exit(1);
  }
  const assets = stats.toJson({ all: false, assets: true, relatedAssets: true }).assets.flatMap(asset => [asset, ...(asset.related ?? [])]);
  writeFileSync(path.join(folder, 'hashed.json'), JSON.stringify(assets.filter(asset => asset.info.immutable).map(asset => asset.name)));
});
