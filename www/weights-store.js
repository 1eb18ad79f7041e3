// Weights by their SHA-256, in the browser's Cache: downloaded once, gone on
// with where a connection was cut, and there without a network. What is in
// the store has been checked; the caller checks again what it decodes.

import { open, readChunks } from './download.js';
import { Pix2PixError } from './errors.js';

const STORE = 'pix2pix-weights-1';
const MOST = 12; // models

/** The bytes of a weights file. `isFresh`: not from any cache. */
export async function loadWeights(url, { bytes, sha256 }, { isFresh, onProgress }) {
  const store = await openStore();
  const key = keyOf(sha256);
  const partKey = keyOf(`${sha256}.part`);
  if (isFresh) await Promise.all([store?.delete(key), store?.delete(partKey)]);
  const known = await read(store, key);
  if (known?.byteLength === bytes) {
    onProgress(bytes, bytes);
    return known;
  }
  const whole = await download(url, bytes, { store, partKey, isFresh, onProgress });
  if (store && await digest(whole) === sha256.toLowerCase()) await keep(store, key, whole);
  await store?.delete(partKey);
  return whole;
}

/** Goes on behind the part that is there; without one, from the start. */
async function download(url, length, { store, partKey, isFresh, onProgress }) {
  const what = 'The model';
  const whole = new Uint8Array(length);
  let at = 0;
  const part = await read(store, partKey);
  if (part && part.byteLength < length) {
    whole.set(part);
    at = part.byteLength;
  }
  let response = await open(url, what, isFresh ? 'reload' : 'default', at ? { Range: `bytes=${at}-` } : {});
  const range = response.headers.get('Content-Range');
  if (at && !(response.status === 206 && range?.startsWith(`bytes ${at}-`) && range.endsWith(`/${length}`))) {
    // A server that knows no ranges sends everything; another file is no continuation.
    if (response.status === 206) response = await open(url, what, 'reload');
    at = 0;
  }
  const begun = at;
  onProgress(at, length);
  try {
    const came = await readChunks(response, what, (chunk, sum) => {
      if (begun + sum > length) return false;
      whole.set(chunk, at);
      at = begun + sum;
      onProgress(at, length);
      return true;
    });
    if (begun + came !== length) throw wrongLength(url, length, begun + came);
  } catch (error) {
    if (error.code === 'fetch' && at > 0 && store) await keep(store, partKey, whole.subarray(0, at));
    throw error;
  }
  return whole;
}

function wrongLength(url, length, came) {
  const words = came > length ? `more than that came (${came} or more)` : `${came} came`;
  return new Pix2PixError('integrity', `The model should have ${length} bytes, but ${words} from ${url}. `
    + 'The file is damaged or belongs to another manifest; try again, or ask the site to upload it anew.');
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
  return found ? new Uint8Array(await found.arrayBuffer()) : null;
}

/** A full disk is no reason to fail: the next visit downloads again. */
async function keep(store, key, bytes) {
  try {
    await store.put(key, new Response(bytes, { headers: { 'Content-Type': 'application/octet-stream' } }));
    const keys = await store.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST)).map((old) => store.delete(old)));
  } catch { /* said above */ }
}

async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Only a name: nothing is ever fetched from there. */
function keyOf(name) {
  return new URL(`./.weights/${name}`, import.meta.url).href;
}
