// Makes the page work without a network: registers the service worker and tells
// it which files the page and its model need.

import { runtimeFiles } from '../runtime/wasm-files.js';

// The scripts of workers, and those that the page imports later: the build lists them.
const LATER_FILES = new URL('../later-files.json', import.meta.url);

/** Stores the page. False without service workers, as on pages without HTTPS. */
export async function keepPage() {
  if (!navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register(new URL('../service-worker.js', import.meta.url));
    return await keep([location.href, ...loaded()]);
  } catch {
    return false; // the page works without it
  }
}

/** Also stores the runtime for `backend`. */
export async function keepRuntime(backend) {
  if (!navigator.serviceWorker?.controller && !(await navigator.serviceWorker?.getRegistration())) return false;
  const { script, wasm } = runtimeFiles(backend);
  try {
    const files = await (await fetch(LATER_FILES)).json();
    return await keep([...files.map((file) => new URL(file, LATER_FILES).href), script, wasm, ...loaded()]);
  } catch {
    return false; // the network is gone
  }
}

function loaded() {
  return performance.getEntriesByType('resource').map((entry) => entry.name);
}

/** Asks for each file once a visit. */
const asked = new Set();

async function keep(urls) {
  const { active } = await navigator.serviceWorker.ready;
  const here = urls.filter((url) => url.startsWith(location.origin) && !asked.has(url) && asked.add(url));
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((resolve) => {
    port1.onmessage = () => resolve(true);
  });
  active?.postMessage({ urls: here }, [port2]);
  return kept;
}
