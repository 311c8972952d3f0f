// A reporter for Parcel: which of its files have a hash in their name, by the bundle's own word.
import { Reporter } from '@parcel/plugin';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export default new Reporter({
  report({ event }) {
    if (event.type !== 'buildSuccess') return;
    const bundles = event.bundleGraph.getBundles().filter(bundle => !bundle.needsStableName && bundle.bundleBehavior !== 'inline');
    writeFileSync('hashed.json', JSON.stringify(bundles.map(bundle => path.basename(bundle.filePath))));
  },
});
