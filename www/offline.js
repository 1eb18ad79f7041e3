// Makes the page work without a network: registers the service worker and
// tells it what the page and its model are made of.

import { runtimeFiles } from './runtime-files.js';

const SCRIPTS = [
  'pix2pix-worker.js', 'worker-link.js', 'helpers.js', 'strip-team.js', 'tile-pool.js', 'weights-store.js', 'download.js', 'errors.js', 'picture.js',
  'painter-worker.js', 'runtime-files.js',
];

/** False where the browser has no such worker, or the page no HTTPS. */
export async function keepPage() {
  if (!navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register(new URL('./service-worker.js', import.meta.url));
    const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
    return await keep([location.href, ...loaded]);
  } catch {
    return false; // the page itself does without
  }
}

/** Also what the model on `backend` runs on. */
export async function keepRuntime(backend) {
  if (!navigator.serviceWorker?.controller && !(await navigator.serviceWorker?.getRegistration())) return false;
  const { script, wasm } = runtimeFiles(backend);
  const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
  const scripts = SCRIPTS.map((file) => new URL(file, import.meta.url).href);
  return keep([...scripts, script, wasm, ...loaded]);
}

async function keep(urls) {
  const { active } = await navigator.serviceWorker.ready;
  const here = urls.filter((url) => url.startsWith(location.origin));
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((resolve) => { port1.onmessage = () => resolve(true); });
  active.postMessage({ urls: here }, [port2]);
  return kept;
}
