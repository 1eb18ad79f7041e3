// An image and its translation, with a divider between them or side by side;
// both zoom and pan together.

import { softwareContext } from '../runtime/image.js';
import { CompareSlider } from './compare-slider.js';
import { Painter } from './painter.js';
import { Zoom } from './zoom.js';

// Pixels painted in one task: a whole photo would block the page.
const STRIP_PIXELS = 1_000_000;
// Narrower images are shown with visible pixels.
const TINY = 96;
// Larger images are painted by a worker.
const MAX_PIXELS_PAINTED_HERE = 4_500_000;

export class PictureView {
  #frame;
  #before;
  #after;
  #handle;
  #slider;
  /** @type {Painter | null} */
  #painter = null; // of a large image
  /** @type {ImageData | null} */
  #result = null;
  #painting = 0;

  /** `frame` contains the canvases in `.layer`s, and the divider's handle. */
  constructor({ frame, before, after, handle }) {
    this.#frame = frame;
    this.#before = before;
    this.#after = after;
    this.#handle = handle;
    this.#slider = new CompareSlider(frame, handle);
    this.zoom = new Zoom(frame);
  }

  /** The canvas with the image to translate; for large images use `source`. */
  get before() {
    return this.#before;
  }

  /** The translation: a canvas, or an object with a canvas's `toBlob`. */
  get after() {
    return this.#painter ?? this.#after;
  }

  /** The image to translate, for `Pix2Pix.run`. */
  async source() {
    return this.#painter ? this.#painter.source() : this.#before;
  }

  /** The translation as ImageData, or null. */
  get result() {
    return this.#result;
  }

  /** Whether the input is shown in grey, as some models see it. */
  get isGrey() {
    return this.#frame.hasAttribute('data-grey');
  }

  set isGrey(isGrey) {
    this.#frame.toggleAttribute('data-grey', isGrey);
  }

  /** slider | side */
  get layout() {
    return this.#frame.dataset.layout ?? 'slider';
  }

  set layout(layout) {
    this.#frame.dataset.layout = layout;
    this.#showHandle();
    this.zoom.reset();
  }

  /** Shows an image, scaled to `width` and `height`, without a result. Closes `bitmap`. False if
      another one has replaced it meanwhile. */
  async show(bitmap, width, height) {
    const painting = ++this.#painting;
    this.hideResult();
    delete this.#frame.dataset.moving;
    this.#resize(width, height);
    this.#frame.hidden = false;
    this.zoom.reset();
    if (this.#painter) {
      await this.#painter.paintBefore(bitmap);
      return painting === this.#painting;
    }
    const context = softwareContext(this.#before);
    context.imageSmoothingQuality = 'high';
    for (const [top, count] of strips(width, height)) {
      const scale = bitmap.height / height;
      context.drawImage(bitmap, 0, top * scale, bitmap.width, count * scale, 0, top, width, count);
      if (top + count === height) break;
      await nextTask();
      if (painting !== this.#painting) return false;
    }
    bitmap.close();
    return true;
  }

  /** Shows a frame of a camera or a film, and its translation. */
  showFrame(canvas, imageData) {
    this.#frame.dataset.moving = '';
    const { width, height } = canvas;
    if (this.#painter || this.#before.width !== width || this.#before.height !== height) this.#resize(width, height);
    this.#frame.hidden = false;
    softwareContext(this.#before).drawImage(canvas, 0, 0);
    const isFirst = this.#result === null;
    this.#result = imageData;
    softwareContext(this.#after).putImageData(imageData, 0, 0);
    this.#compare();
    if (isFirst) this.#slider.value = 50;
  }

  async showResult(imageData) {
    const painting = ++this.#painting;
    const { width, height, data } = imageData;
    const painter = this.#painter;
    const context = painter ? null : softwareContext(this.#after);
    for (const [top, count] of strips(width, height)) {
      if (context) context.putImageData(imageData, 0, 0, 0, top, width, count);
      else await painter?.paintRows(data.slice(top * width * 4, (top + count) * width * 4), width, top);
      if (context && top + count < height) await nextTask();
      if (painting !== this.#painting) return;
    }
    this.#result = imageData;
    this.#compare();
    if (this.layout === 'slider') this.#slider.reveal();
  }

  /** Shows rows of a translation whose rest is still on its way. */
  async showRows(rgba, width, top) {
    const painter = this.#painter;
    if (painter) await painter.paintRows(rgba, width, top, top === 0);
    else {
      const context = softwareContext(this.#after);
      if (top === 0) context.clearRect(0, 0, this.#after.width, this.#after.height);
      context.putImageData(new ImageData(rgba, width), 0, top);
    }
    if (this.#result || painter !== this.#painter) return;
    this.#after.hidden = false;
    this.#frame.dataset.arriving = '';
  }

  hideResult() {
    this.#result = null;
    this.#after.hidden = true;
    delete this.#frame.dataset.compared;
    delete this.#frame.dataset.arriving;
    this.#showHandle();
  }

  /** Shows nothing. */
  clear() {
    this.#painting++;
    this.hideResult();
    this.#frame.hidden = true;
    // A tiny canvas frees the memory.
    this.#resize(1, 1);
  }

  #resize(width, height) {
    // A canvas that a worker controls never comes back.
    if (this.#painter) {
      this.#painter.end();
      this.#painter = null;
      [this.#before, this.#after] = [renewed(this.#before), renewed(this.#after)];
    }
    const isLarge = width * height > MAX_PIXELS_PAINTED_HERE;
    if (isLarge) [this.#before, this.#after] = [renewed(this.#before), renewed(this.#after)];
    for (const canvas of [this.#before, this.#after]) {
      canvas.width = width;
      canvas.height = height;
    }
    if (isLarge) this.#painter = new Painter(this.#before, this.#after);
    this.#frame.toggleAttribute('data-tiny', width < TINY);
    this.#frame.style.setProperty('--width', width);
    this.#frame.style.setProperty('--height', height);
  }

  #compare() {
    this.#after.hidden = false;
    delete this.#frame.dataset.arriving;
    this.#frame.dataset.compared = '';
    this.#showHandle();
  }

  #showHandle() {
    this.#handle.hidden = !(this.#result && this.layout === 'slider');
  }
}

/** A copy of the element that has no context yet, in its place. */
function renewed(canvas) {
  const fresh = canvas.cloneNode();
  canvas.replaceWith(fresh);
  return fresh;
}

function* strips(width, height) {
  const rows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  for (let top = 0; top < height; top += rows) yield [top, Math.min(rows, height - top)];
}

function nextTask() {
  return new Promise((resolve) => setTimeout(resolve));
}
