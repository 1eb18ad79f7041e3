// Makes the page work without a network: registers the service worker and
// tells it what the page and its model are made of.

import { runtimeFiles } from '../runtime/wasm-files.js';

// Workers load these, which the page cannot see; the build lists them.
const WORKER_FILES = new URL('../worker-files.json', import.meta.url);

/** False where the browser has no such worker, or the page no HTTPS. */
export async function keepPage() {
  if (!navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register(new URL('../service-worker.js', import.meta.url));
    return await keep([location.href, ...loaded()]);
  } catch {
    return false; // the page itself does without
  }
}

/** Also keeps what the model on `backend` runs on. */
export async function keepRuntime(backend) {
  if (!navigator.serviceWorker?.controller && !(await navigator.serviceWorker?.getRegistration())) return false;
  const { script, wasm } = runtimeFiles(backend);
  try {
    const files = await (await fetch(WORKER_FILES)).json();
    return await keep([...files.map((file) => new URL(file, WORKER_FILES).href), script, wasm, ...loaded()]);
  } catch {
    return false; // no network any more
  }
}

function loaded() {
  return performance.getEntriesByType('resource').map((entry) => entry.name);
}

async function keep(urls) {
  const { active } = await navigator.serviceWorker.ready;
  const here = urls.filter((url) => url.startsWith(location.origin));
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((resolve) => {
    port1.onmessage = () => resolve(true);
  });
  active.postMessage({ urls: here }, [port2]);
  return kept;
}
