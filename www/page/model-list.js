// The models that the page offers: models/index.json, which names their manifests, and into which the
// build puts their content. Their words become text, never markup.

import { open, readBlob } from '../runtime/download.js';
import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { oneLine } from '../view/format.js';
import { picturesOf } from './opening.js';

const INDEX = new URL('../models/index.json', import.meta.url);
const MAX_JSON = 1 << 20;

/** [{ name, url, title, summary, pictures, manifest: Promise<object|null> }]; a model from the
    visitor's disk has `files` in place of `url`. */
export async function listModels() {
  const { models } = await readJson(INDEX, phrase('The list of models'));
  if (!Array.isArray(models) || models.length === 0) {
    throw new Pix2PixError('manifest', '{url} lists no models.', { values: { url: INDEX.href } });
  }
  return models.map((entry) => modelAt(new URL(entry.manifest, INDEX), entry));
}

/** The entry for the manifest at a URL.
    @param {URL} url
    @param {{ title?: string, summary?: string, folder?: string, opening?: string, content?: object }} [entry] `folder`
    is that of a model which `trainer serve` has put beside the page's own. */
export function modelAt(url, { title, summary, folder, opening, content } = {}) {
  return {
    url: url.href,
    name: oneLine(decoded(url.pathname.split('/').at(-2))) || 'model',
    title: oneLine(title),
    summary: folder ? phrase('The model in {folder}.') : oneLine(summary),
    folder: oneLine(folder),
    pictures: picturesOf(url, opening),
    // Only for the card: the worker reads and checks it again, and reports a
    // missing one when the model is loaded.
    manifest: content ? Promise.resolve(content) : readJson(url, phrase('The manifest')).catch(() => null),
  };
}

/** A part of a URL for people; an invalid one stays as it is. */
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
    throw new Pix2PixError('manifest', '{url} is not valid JSON.', { values: { url: url.href }, cause });
  }
}
