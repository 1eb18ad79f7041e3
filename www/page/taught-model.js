// The model that the visitor has taught last and wants to use here: teach.html leaves it in
// the browser's Cache.

import { phrase } from '../runtime/phrase.js';
import { readModel } from './model-files.js';

const STORE = 'pix2pix-taught-1';

/** Nothing is fetched from these addresses. */
const addressOf = (name) => new URL(`../.taught/${name}`, import.meta.url).href;

/** Keeps a model, `{ manifest, weights }`, in place of the one before. */
export async function keepTaught({ manifest, weights }) {
  const store = await caches.open(STORE);
  await store.put(addressOf('weights'), new Response(weights));
  await store.put(addressOf('manifest'), new Response(manifest));
}

/** An entry for the list of models; null if there is none. */
export async function taughtModel() {
  try {
    if (!(await caches.has(STORE))) return null;
    const store = await caches.open(STORE);
    const [manifest, weights] = await Promise.all(
      ['manifest', 'weights'].map(async (name) => (await store.match(addressOf(name)))?.blob()),
    );
    if (!manifest || !weights) return null;
    const { path } = JSON.parse(await manifest.text()).weights[0];
    const entry = await readModel([new File([manifest], 'manifest.json'), new File([weights], path)]);
    return { ...entry, summary: phrase('Taught by you. It stays in this browser.') };
  } catch {
    return null; // no storage, as on pages without HTTPS, or something else in it
  }
}
