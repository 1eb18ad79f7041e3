// What the page shows of a model that nobody has asked for yet: a sample, and a small picture of what
// the model made of it. `cargo xtask samples` makes these pictures.

import { open, readBlob } from '../runtime/download.js';
import { decodeImage } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import { MAX_SAMPLE } from '../view/manifest.js';
import { readStrokes } from '../view/strokes.js';

const MAX_DRAWING = 1 << 20;
const WHAT = phrase('The sample');

/** The addresses of a model's pictures; null if the list of models names none.
    @param {URL} manifest @param {unknown} sample the path of the sample in the model's folder */
export function picturesOf(manifest, sample) {
  if (typeof sample !== 'string') return null;
  const inside = (path) => new URL(path, manifest).href;
  return {
    name: sample.split('/').at(-1),
    sample: inside(sample),
    opening: inside('pictures/opening.webp'),
    thumbnail: inside('pictures/thumbnail.webp'),
    sheet: inside('pictures/sheet.webp'),
  };
}

/** { strokes or bitmap and name, picture }: the sample as a drawing of strokes or as an image, and what became
    of it. */
export async function readOpening({ name, sample, opening }) {
  const picture = readImage(opening);
  const [input, output] = await Promise.all([
    sample.endsWith('.svg') ? readDrawing(sample) : readImage(sample).then((bitmap) => ({ bitmap, name })),
    picture,
  ]);
  return { ...input, picture: output };
}

async function readDrawing(url) {
  const response = await open(url, WHAT);
  return { strokes: readStrokes(await (await readBlob(response, WHAT, MAX_DRAWING)).text()) };
}

async function readImage(url) {
  return decodeImage(await readBlob(await open(url, WHAT), WHAT, MAX_SAMPLE));
}
