// Weights in the browser's Cache, by their SHA-256: downloaded once, resumed
// after a cut connection, available without a network. They are Blobs, which
// the browser keeps outside the page's memory. The decoder checks them before
// they are stored.

import { open, readChunks } from './download.js';
import { Pix2PixError } from './errors.js';
import { phrase } from './phrase.js';

const STORE = 'pix2pix-weights-1';
const MAX_MODELS = 12; // models
const PART_BYTES = 4 << 20; // at most so many are in the page's memory

/**
 * The Blob of a weights file, and `keep`, which stores it for later visits.
 * `isFresh` bypasses all caches.
 */
export async function loadWeights(url, { bytes, sha256 }, { isFresh, onProgress }) {
  const store = await openStore();
  const key = keyOf(sha256);
  const partKey = keyOf(`${sha256}.part`);
  if (isFresh) await Promise.all([store?.delete(key), store?.delete(partKey)]);
  const known = await read(store, key);
  if (known?.size === bytes) {
    onProgress(bytes, bytes);
    return { weights: known, keep: () => {} };
  }
  const weights = await download(url, bytes, { store, partKey, isFresh, onProgress });
  await store?.delete(partKey);
  return { weights, keep: () => store && put(store, key, weights) };
}

/** Resumes after a stored part; starts at the beginning if there is none. */
async function download(url, length, { store, partKey, isFresh, onProgress }) {
  const what = phrase('The model');
  const part = await read(store, partKey);
  let parts = part && part.size < length ? [part] : [];
  let begun = parts.length ? part.size : 0;
  let response = await open(url, what, isFresh ? 'reload' : 'default', begun ? { Range: `bytes=${begun}-` } : {});
  const range = response.headers.get('Content-Range');
  if (begun && !(response.status === 206 && range?.startsWith(`bytes ${begun}-`) && range.endsWith(`/${length}`))) {
    // A server without ranges sends the whole file; a range of another file is of no use.
    if (response.status === 206) response = await open(url, what, 'reload');
    parts = [];
    begun = 0;
  }
  let waiting = [];
  let size = 0;
  const settle = () => {
    parts.push(new Blob(waiting));
    waiting = [];
    size = 0;
  };
  onProgress(begun, length);
  try {
    const came = await readChunks(response, (chunk, sum) => {
      if (begun + sum > length) return false;
      waiting.push(chunk);
      size += chunk.byteLength;
      if (size >= PART_BYTES) settle();
      onProgress(begun + sum, length);
      return true;
    });
    if (begun + came !== length) throw wrongLength(url, length, begun + came);
  } catch (error) {
    settle();
    const whole = new Blob(parts);
    if (error.code === 'fetch' && whole.size > 0 && store) await put(store, partKey, whole);
    throw error;
  }
  settle();
  return new Blob(parts);
}

function wrongLength(url, length, came) {
  return new Pix2PixError(
    'integrity',
    came > length
      ? phrase(
          'The model should have {length} bytes, but {came} or more came from {url}. The file is damaged or belongs to another manifest; try again, or ask the site to upload it anew.',
        )
      : phrase(
          'The model should have {length} bytes, but {came} came from {url}. The file is damaged or belongs to another manifest; try again, or ask the site to upload it anew.',
        ),
    { values: { length, came, url } },
  );
}

/** Null where the browser has no Cache, as on pages without HTTPS. */
async function openStore() {
  try {
    return await caches.open(STORE);
  } catch {
    return null;
  }
}

async function read(store, key) {
  const found = await store?.match(key).catch(() => null);
  return found ? found.blob() : null;
}

/** Does not fail on a full disk: the next visit downloads again. */
async function put(store, key, weights) {
  try {
    await store.put(key, new Response(weights, { headers: { 'Content-Type': 'application/octet-stream' } }));
    const keys = await store.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MAX_MODELS)).map((old) => store.delete(old)));
  } catch {
    /* see above */
  }
}

/** A key for the Cache; nothing is fetched from this address. */
function keyOf(name) {
  return new URL(`../.weights/${name}`, import.meta.url).href;
}
