// The way in for photos: from a file to a translation under the divider.

import { blur } from './blur.js';
import { Pix2PixError } from './errors.js';
import { decodePicture, fittingSize } from './picture.js';
import * as words from './words.js';

const BLUR_SIGMA = 2;
/** Beyond this a blur would take long, and nobody needs it. */
const MAX_BLURRED = 4_500_000;

export class PhotoWay {
  name = 'photo';

  #view;
  #slot;
  #dock;
  #blurBox;
  #blob = null;
  #isScaled = false;
  #photoName = '';
  #isSample = false;
  #isBlurred = false; // what the canvas shows
  #job = null;

  constructor({ view, slot, dock, blurBox }) {
    this.#view = view;
    this.#slot = slot;
    this.#dock = dock;
    this.#blurBox = blurBox;
    blurBox.addEventListener('change', () => { if (this.hasWork && !this.#isSample) this.translate(); });
  }

  get hasWork() { return this.#blob !== null; }

  /** What can be saved: ImageData, or null. */
  get result() { return this.#view.result; }
  get resultCanvas() { return this.#view.after; }
  get input() { return this.#view.before; }
  get resultName() { return this.#photoName.replace(/\.[^.]*$/, '') || 'photo'; }

  show() {
    this.#view.clear();
    if (this.#blob) this.open(this.#blob, this.#photoName, { sample: this.#isSample });
  }

  leave() {
    this.#job?.abort();
    this.#job = null;
  }

  /** Goes on with another model or backend. */
  resume() {
    return this.translate();
  }

  cancel() {
    this.#job?.abort();
  }

  async open(blob, name, { sample = false } = {}) {
    this.#job?.abort(); // the latest photo wins
    const mine = this.#job = new AbortController();
    try {
      const line = await this.#show(blob, name);
      if (mine.signal.aborted) return;
      this.#blob = blob;
      this.#photoName = name;
      this.#isSample = sample;
      this.#dock.caption(line);
      this.#blurBox.checked = false;
    } catch (error) {
      if (mine.signal.aborted) return;
      this.#job = null;
      this.#dock.error(error);
      if (this.hasWork && !this.result) this.#dock.offerRetry('Translate', () => this.translate());
      return;
    }
    await this.translate();
  }

  async translate() {
    if (!this.#blob) return;
    this.#job?.abort();
    const mine = this.#job = new AbortController();
    const { signal } = mine;
    const isLatest = () => this.#job === mine;
    try {
      this.#dock.set(this.#slot.isLoaded ? 'working' : 'loading', this.#slot.isLoaded ? 'Preparing…' : 'Loading the model…');
      this.#view.hideResult();
      const source = await this.#source(signal);
      const session = await this.#slot.ensure();
      if (!isLatest()) return;
      this.#dock.set('working', `Translating on ${session.backend === 'webgpu' ? 'the graphics card' : 'the processor'}…`);
      const begun = performance.now();
      const result = await session.run(source, { signal });
      if (!isLatest()) return;
      const elapsed = words.duration(performance.now() - begun);
      this.#dock.elapsed(elapsed);
      this.#dock.facts(session); // a restart may have changed them
      await this.#view.showResult(result);
      if (isLatest()) this.#dock.set('done', `Done in ${elapsed}. Drag across the picture to compare.`);
    } catch (error) {
      if (isLatest()) this.#failed(Pix2PixError.from(error));
    }
  }

  #failed(error) {
    if (error.code !== 'aborted') return this.#dock.error(error, () => this.translate());
    this.#dock.set(this.#slot.isEmpty ? 'empty' : 'ready', 'Cancelled.');
    this.#dock.offerRetry('Translate', () => this.translate());
  }

  async #show(blob, name) {
    const bitmap = await decodePicture(blob, { name: name ? `“${name}”` : 'The picture' });
    const [width, height] = fittingSize(bitmap);
    this.#isScaled = width < bitmap.width || height < bitmap.height;
    this.#isBlurred = false;
    const size = this.#isScaled
      ? `${words.pixels(width, height)}, scaled down from ${words.pixels(bitmap.width, bitmap.height)} to fit into memory`
      : words.pixels(width, height);
    await this.#view.show(bitmap, width, height);
    return name ? `${name} · ${size}` : size;
  }

  /** The file itself where nothing was done to it: the worker decodes it. */
  async #source(signal) {
    const isBlurred = this.#blurBox.checked && !this.#isSample;
    const canvas = this.#view.before;
    if (!isBlurred) {
      if (this.#isBlurred) await this.#show(this.#blob, this.#photoName);
      return this.#isScaled ? this.#view.source() : this.#blob;
    }
    if (canvas.width * canvas.height > MAX_BLURRED) {
      throw new Pix2PixError('input-size', 'This photo is too large to blur here. Leave the box empty, or take a smaller photo.');
    }
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    await blur(pixels, BLUR_SIGMA);
    if (!signal.aborted) {
      context.putImageData(pixels, 0, 0);
      this.#isBlurred = true;
    }
    return canvas;
  }
}
