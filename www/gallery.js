// The models on offer: models/index.json and the manifests that it names.
// What they say is text to show, never markup; what they name stays inside
// their folder.

import { Pix2PixError } from './errors.js';

const INDEX = new URL('./models/index.json', import.meta.url);

/** [{ name, url, title, summary, manifest: Promise<object|null> }] */
export async function listModels() {
  const { models } = await readJson(INDEX);
  if (!Array.isArray(models) || models.length === 0) {
    throw new Pix2PixError('manifest', `${INDEX} lists no models.`);
  }
  return models.map((entry) => {
    const url = new URL(entry.manifest, INDEX);
    return {
      url: url.href,
      name: url.pathname.split('/').at(-2),
      title: text(entry.title),
      summary: text(entry.summary),
      // For the card only: the worker reads and checks it again. A model
      // whose manifest is missing says so when it is loaded.
      manifest: readJson(url).catch(() => null),
    };
  });
}

/** URLs of the manifest's sample pictures. */
export function sampleUrls(manifest, manifestUrl) {
  if (!Array.isArray(manifest?.samples)) return [];
  const folder = new URL('./', manifestUrl).href;
  return manifest.samples
    .filter((path) => typeof path === 'string')
    .map((path) => new URL(path.split('/').map(encodeURIComponent).join('/'), folder).href)
    .filter((url) => url.startsWith(folder));
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
