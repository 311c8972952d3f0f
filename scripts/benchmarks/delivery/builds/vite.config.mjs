// As it comes, but for assets, which are files however small they are.
export default { logLevel: 'error', build: { manifest: true, assetsInlineLimit: 0 } };
