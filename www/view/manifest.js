// What a manifest says about the images of its model. Manifests come from
// anywhere: their words become text, never markup, and their paths stay inside
// their folder.

import { open, readBlob } from '../runtime/download.js';
import { phrase } from '../runtime/phrase.js';
import { oneLine } from './format.js';

const USUAL_SIDE = 256;
const SMALLEST_SIDE = 64;
const LARGEST_SIDE = 1024;
const MAX_LABELS = 256;
const MAX_SAMPLES = 12;
/** Bytes of one sample's file. */
export const MAX_SAMPLE = 16 << 20;

/** The page's modes that suit a model. */
export function modesOf(manifest) {
  return manifest?.input?.mode === 'draw' ? ['draw'] : ['photo', 'webcam'];
}

/** Whether a model undoes blur. */
export function undoesBlur(manifest) {
  return manifest?.task === 'deblur' || manifest?.task === 'restore';
}

/** Whether a model sees no colours. */
export function takesGrey(manifest) {
  return manifest?.input?.encoding === 'lightness' || manifest?.generator?.in_channels === 1;
}

/** The side of a drawing or a camera frame: what the model was trained on, where that fits. */
export function naturalSide(manifest) {
  const wanted = manifest?.input?.multiple_of;
  const multiple = Number.isInteger(wanted) && wanted >= 1 && wanted <= LARGEST_SIDE ? wanted : USUAL_SIDE;
  const trained = manifest?.training?.size;
  const fits =
    Number.isInteger(trained) && trained >= SMALLEST_SIDE && trained <= LARGEST_SIDE && trained % multiple === 0;
  return fits ? trained : Math.ceil(USUAL_SIDE / multiple) * multiple;
}

/** The labels to draw with: [{ name, color }]. The colours go into styles. */
export function paletteOf(manifest) {
  const entries = manifest?.input?.palette;
  const isByte = (value) => Number.isInteger(value) && value >= 0 && value <= 255;
  return (Array.isArray(entries) ? entries : [])
    .filter((entry) => Array.isArray(entry?.color) && entry.color.length === 3 && entry.color.every(isByte))
    .slice(0, MAX_LABELS)
    .map(({ name, color }) => ({ name: oneLine(name, 40), color }));
}

/** The first sample images: [{ name, read(): Promise<Blob> }]. `source` is the manifest's address, or
    a function that finds a sample by its path. */
export function samplesOf(manifest, source) {
  const listed = Array.isArray(manifest?.samples) ? manifest.samples : [];
  const paths = listed.filter((path) => typeof path === 'string');
  const find = typeof source === 'function' ? source : (path) => sampleAt(path, new URL('./', source).href);
  return [...new Set(paths)].map(find).filter(Boolean).slice(0, MAX_SAMPLES);
}

/** Undefined if the path is no address, or one outside the folder. */
function sampleAt(path, folder) {
  let href;
  try {
    href = new URL(path.split('/').map(encodeURIComponent).join('/'), folder).href;
  } catch {
    return undefined; // half a character
  }
  if (!href.startsWith(folder)) return undefined;
  const what = phrase('The sample');
  const read = async () => readBlob(await open(href, what), what, MAX_SAMPLE);
  return { name: path.split('/').at(-1), read };
}
