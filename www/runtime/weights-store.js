// Weights by their SHA-256, in the browser's Cache: downloaded once, gone on
// with where a connection was cut, and there without a network. They are
// Blobs, which lie with the browser and not in the page's memory. Whoever
// decodes them checks them, and keeps what is right.

import { open, readChunks } from './download.js';
import { Pix2PixError } from './errors.js';

const STORE = 'pix2pix-weights-1';
const MOST = 12; // models
const PART = 4 << 20; // bytes that wait in the page's memory

/**
 * The Blob of a weights file, and `keep`, which stores it for later visits.
 * `isFresh`: not from any cache.
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

/** Goes on behind the part that is there; without one, from the start. */
async function download(url, length, { store, partKey, isFresh, onProgress }) {
  const what = 'The model';
  const part = await read(store, partKey);
  let parts = part && part.size < length ? [part] : [];
  let begun = parts.length ? part.size : 0;
  let response = await open(url, what, isFresh ? 'reload' : 'default', begun ? { Range: `bytes=${begun}-` } : {});
  const range = response.headers.get('Content-Range');
  if (begun && !(response.status === 206 && range?.startsWith(`bytes ${begun}-`) && range.endsWith(`/${length}`))) {
    // A server that knows no ranges sends everything; another file is no continuation.
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
      if (size >= PART) settle();
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
  const words = came > length ? `more than that came (${came} or more)` : `${came} came`;
  return new Pix2PixError(
    'integrity',
    `The model should have ${length} bytes, but ${words} from ${url}. ` +
      'The file is damaged or belongs to another manifest; try again, or ask the site to upload it anew.',
  );
}

/** Null where the browser has no such store, as on pages without HTTPS. */
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

/** A full disk is no reason to fail: the next visit downloads again. */
async function put(store, key, weights) {
  try {
    await store.put(key, new Response(weights, { headers: { 'Content-Type': 'application/octet-stream' } }));
    const keys = await store.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST)).map((old) => store.delete(old)));
  } catch {
    /* said above */
  }
}

/** Only a name: nothing is ever fetched from there. */
function keyOf(name) {
  return new URL(`../.weights/${name}`, import.meta.url).href;
}
