// A picture and its translation: on each other with a divider, or side by
// side; zoomed and moved together. Pixels come from outside.

import { CompareSlider } from './compare-slider.js';
import { Zoom } from './zoom.js';

// Rows that are painted at once: a whole photo would hold the page up.
const STRIP_PIXELS = 2_000_000;

export class PictureView {
  #frame;
  #before;
  #after;
  #handle;
  #slider;
  #result = null;
  #painting = 0;

  /** `frame` holds the two canvases in `.layer`s, and the divider's handle. */
  constructor({ frame, before, after, handle }) {
    this.#frame = frame;
    this.#before = before;
    this.#after = after;
    this.#handle = handle;
    this.#slider = new CompareSlider(frame, handle);
    this.zoom = new Zoom(frame);
  }

  /** The canvas with what is to be translated. */
  get before() { return this.#before; }
  get after() { return this.#after; }

  /** The translation as ImageData, or null. */
  get result() { return this.#result; }

  /** slider | side */
  get layout() { return this.#frame.dataset.layout ?? 'slider'; }

  set layout(layout) {
    this.#frame.dataset.layout = layout;
    this.#showHandle();
    this.zoom.reset();
  }

  /** Shows a picture, scaled to `width` and `height`, without a result. */
  async show(bitmap, width, height) {
    const painting = ++this.#painting;
    this.hideResult();
    this.#resize(width, height);
    this.#frame.hidden = false;
    this.zoom.reset();
    const context = contextOf(this.#before);
    context.imageSmoothingQuality = 'high';
    for (const [top, count] of strips(width, height)) {
      const scale = bitmap.height / height;
      context.drawImage(bitmap, 0, top * scale, bitmap.width, count * scale, 0, top, width, count);
      if (top + count === height) return true;
      await nextTask();
      if (painting !== this.#painting) return false;
    }
    return true;
  }

  /** One of many: a frame of a film and its translation. */
  showFrame(canvas, imageData) {
    const { width, height } = canvas;
    if (this.#before.width !== width || this.#before.height !== height) this.#resize(width, height);
    this.#frame.hidden = false;
    contextOf(this.#before).drawImage(canvas, 0, 0);
    const isFirst = this.#result === null;
    this.#result = imageData;
    contextOf(this.#after).putImageData(imageData, 0, 0);
    this.#compare();
    if (isFirst) this.#slider.value = 50;
  }

  async showResult(imageData) {
    const painting = ++this.#painting;
    this.#after.width = imageData.width;
    this.#after.height = imageData.height;
    const context = contextOf(this.#after);
    for (const [top, count] of strips(imageData.width, imageData.height)) {
      context.putImageData(imageData, 0, 0, 0, top, imageData.width, count);
      if (top + count === imageData.height) break;
      await nextTask();
      if (painting !== this.#painting) return;
    }
    this.#result = imageData;
    this.#compare();
    if (this.layout === 'slider') this.#slider.reveal();
  }

  hideResult() {
    this.#result = null;
    this.#after.hidden = true;
    delete this.#frame.dataset.compared;
    this.#showHandle();
  }

  /** Shows nothing. */
  clear() {
    this.#painting++;
    this.hideResult();
    this.#frame.hidden = true;
    // A canvas of no size gives its memory back.
    for (const canvas of [this.#before, this.#after]) canvas.width = canvas.height = 1;
  }

  #resize(width, height) {
    for (const canvas of [this.#before, this.#after]) {
      canvas.width = width;
      canvas.height = height;
    }
    this.#frame.style.setProperty('--width', width);
    this.#frame.style.setProperty('--height', height);
  }

  #compare() {
    this.#after.hidden = false;
    this.#frame.dataset.compared = '';
    this.#showHandle();
  }

  #showHandle() {
    this.#handle.hidden = !(this.#result && this.layout === 'slider');
  }
}

// In software: canvases on a GPU may give back other pixels than were drawn.
function contextOf(canvas) {
  return canvas.getContext('2d', { willReadFrequently: true });
}

function* strips(width, height) {
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  for (let top = 0; top < height; top += rows) yield [top, Math.min(rows, height - top)];
}

function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}
