// The models on offer: models/index.json and the manifests that it names.
// What they say is text to show, never markup; what they name stays inside
// their folder.

import { Pix2PixError } from './errors.js';

const INDEX = new URL('./models/index.json', import.meta.url);

/** [{ name, url, title, summary, manifest: Promise<object|null> }]; a model from the
    visitor's disk has `files` in place of `url`. */
export async function listModels() {
  const { models } = await readJson(INDEX);
  if (!Array.isArray(models) || models.length === 0) {
    throw new Pix2PixError('manifest', `${INDEX} lists no models.`);
  }
  return models.map((entry) => modelAt(new URL(entry.manifest, INDEX), entry));
}

/** The model of a manifest anywhere that the page's policy lets it read. */
export function modelAt(url, { title, summary } = {}) {
  return {
    url: url.href,
    name: decodeURIComponent(url.pathname.split('/').at(-2) || 'model'),
    title: text(title),
    summary: text(summary),
    // For the card only: the worker reads and checks it again. A model
    // whose manifest is missing says so when it is loaded.
    manifest: readJson(url).catch(() => null),
  };
}

/** Which ways in a model takes. */
export function waysOf(manifest) {
  return manifest?.input?.mode === 'draw' ? ['draw'] : ['photo', 'webcam'];
}

/** The manifest's sample pictures: [{ name, read(): Promise<Blob> }]. */
export function samplesOf(manifest, entry) {
  const paths = Array.isArray(manifest?.samples) ? manifest.samples.filter((path) => typeof path === 'string') : [];
  if (entry.files) return paths.map((path) => ({ name: path.split('/').at(-1), read: () => entry.sample(path) }));
  const folder = new URL('./', entry.url).href;
  return paths
    .map((path) => new URL(path.split('/').map(encodeURIComponent).join('/'), folder).href)
    .filter((url) => url.startsWith(folder))
    .map((url) => ({ name: decodeURIComponent(url.split('/').at(-1)), url, read: () => readPicture(url) }));
}

async function readPicture(url) {
  const response = await fetch(url).catch(() => null);
  if (response?.ok) return response.blob();
  throw new Pix2PixError('fetch', `The sample ${url} could not be downloaded. Check the connection and try again.`);
}

async function readJson(url) {
  const retry = 'Check the connection and try again.';
  let response;
  try {
    response = await fetch(url, { cache: 'no-cache' });
  } catch (cause) {
    throw new Pix2PixError('fetch', `${url} could not be downloaded. ${retry}`, { cause });
  }
  if (!response.ok) throw new Pix2PixError('fetch', `${url} answered HTTP ${response.status}. ${retry}`);
  try {
    return await response.json();
  } catch (cause) {
    throw new Pix2PixError('manifest', `${url} is not valid JSON.`, { cause });
  }
}

function text(value) {
  return typeof value === 'string' ? value : '';
}
