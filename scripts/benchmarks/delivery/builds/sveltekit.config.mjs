import { sveltekit } from '@sveltejs/kit/vite';

export default { logLevel: 'error', build: { assetsInlineLimit: 0 }, plugins: [sveltekit()] };
