// What is seen of the photo and its translation: two canvases, the divider,
// the full-size pixels. Knows nothing of models.

import { blur } from './blur.js';
import { CompareSlider } from './compare-slider.js';
import { decodePicture } from './picture.js';
import { pixels } from './words.js';

/** Larger photos are scaled down to this on their long side. */
const MAX_SIDE = 2048;
const BLUR_SIGMA = 2;

const picture = document.querySelector('#picture');
const before = document.querySelector('#before');
const after = document.querySelector('#result');
const handle = document.querySelector('#handle');
const slider = new CompareSlider(picture, handle);
// In software: canvases on a GPU may give back other pixels than were drawn.
const brush = before.getContext('2d', { willReadFrequently: true });

let sharp = null; // the photo's ImageData as it came
let result = null; // the translation's ImageData

export const stage = {
  /** The canvas with what is to be translated. */
  input: before,

  get hasPhoto() {
    return sharp !== null;
  },

  /** Shows the photo in `blob`; the answer is a line about it. */
  async show(blob, name) {
    const bitmap = await decodePicture(blob, { name: name ? `“${name}”` : 'The picture' });
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * scale));
    const height = Math.max(1, Math.round(bitmap.height * scale));
    this.hideResult();
    before.width = width;
    before.height = height;
    brush.imageSmoothingQuality = 'high';
    brush.drawImage(bitmap, 0, 0, width, height);
    sharp = brush.getImageData(0, 0, width, height);
    picture.style.setProperty('--width', width);
    picture.style.setProperty('--height', height);
    picture.hidden = false;
    const size = scale < 1
      ? `${pixels(width, height)}, scaled down from ${pixels(bitmap.width, bitmap.height)} to fit into memory`
      : pixels(width, height);
    bitmap.close();
    return name ? `${name} · ${size}` : size;
  },

  /** The photo as it came, or blurred. */
  async prepare({ blurred, signal }) {
    this.hideResult();
    const shown = new ImageData(sharp.data.slice(), sharp.width, sharp.height);
    if (blurred) await blur(shown, BLUR_SIGMA);
    // Another photo may have come meanwhile.
    if (!signal.aborted) brush.putImageData(shown, 0, 0);
  },

  showResult(imageData) {
    result = imageData;
    after.width = imageData.width;
    after.height = imageData.height;
    after.getContext('2d', { willReadFrequently: true }).putImageData(imageData, 0, 0);
    after.hidden = false;
    handle.hidden = false;
    picture.dataset.compared = '';
    slider.reveal();
  },

  hideResult() {
    result = null;
    after.hidden = true;
    handle.hidden = true;
    delete picture.dataset.compared;
  },

  resultPixels() {
    return result && { width: result.width, height: result.height, data: result.data };
  },

  resultPng() {
    return new Promise((resolve) => after.toBlob(resolve, 'image/png'));
  },
};
