// The models on offer: models/index.json and the manifests that it names.
// What they say is text to show, never markup; what they name stays inside
// their folder.

import { open, readBlob } from './download.js';
import { Pix2PixError } from './errors.js';
import { text } from './words.js';

const INDEX = new URL('./models/index.json', import.meta.url);
const MAX_JSON = 1 << 20;
const MOST_SAMPLES = 12;
/** Of a sample's file, in bytes. */
export const MAX_SAMPLE = 16 << 20;

/** [{ name, url, title, summary, manifest: Promise<object|null> }]; a model from the
    visitor's disk has `files` in place of `url`. */
export async function listModels() {
  const { models } = await readJson(INDEX, 'The list of models');
  if (!Array.isArray(models) || models.length === 0) {
    throw new Pix2PixError('manifest', `${INDEX} lists no models.`);
  }
  return models.map((entry) => modelAt(new URL(entry.manifest, INDEX), entry));
}

/** The model of a manifest anywhere that the page's policy lets it read. */
export function modelAt(url, { title, summary } = {}) {
  return {
    url: url.href,
    name: text(decoded(url.pathname.split('/').at(-2))) || 'model',
    title: text(title),
    summary: text(summary),
    // For the card only: the worker reads and checks it again. A model
    // whose manifest is missing says so when it is loaded.
    manifest: readJson(url, 'The manifest').catch(() => null),
  };
}

/** Which ways in a model takes. */
export function waysOf(manifest) {
  return manifest?.input?.mode === 'draw' ? ['draw'] : ['photo', 'webcam'];
}

/** Whether a model sees no colours. */
export function takesGrey(manifest) {
  return manifest?.input?.encoding === 'lightness' || manifest?.generator?.in_channels === 1;
}

/** The first of the manifest's sample pictures: [{ name, read(): Promise<Blob> }]. */
export function samplesOf(manifest, entry) {
  const listed = Array.isArray(manifest?.samples) ? manifest.samples.filter((path) => typeof path === 'string') : [];
  const find = entry.files ? (path) => entry.sample(path) : (path) => sampleAt(path, new URL('./', entry.url).href);
  return [...new Set(listed)].map(find).filter(Boolean).slice(0, MOST_SAMPLES);
}

/** Undefined if it is no address, or one outside the folder. */
function sampleAt(path, folder) {
  let href;
  try {
    href = new URL(path.split('/').map(encodeURIComponent).join('/'), folder).href;
  } catch {
    return undefined; // half a character
  }
  if (!href.startsWith(folder)) return undefined;
  const read = async () => readBlob(await open(href, 'The sample'), 'The sample', MAX_SAMPLE);
  return { name: path.split('/').at(-1), read };
}

/** Of an address, as people read it; one that nobody can read stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return part;
  }
}

async function readJson(url, what) {
  const response = await open(url.href, what, 'no-cache');
  const json = await (await readBlob(response, what, MAX_JSON)).text();
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Pix2PixError('manifest', `${url} is not valid JSON.`, { cause });
  }
}
