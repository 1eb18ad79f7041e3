// The mode for photos: translates a file and compares it with the result.

import { blur } from './blur.js';
import { abortedError, Pix2PixError } from '../runtime/errors.js';
import { decodeImage, fittingSize, softwareContext } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import * as format from '../view/format.js';
import { spelled, text } from '../view/language.js';
import { undoesBlur } from '../view/manifest.js';

/** The longest side of a softened copy: small enough to see the blur, and that it is gone. */
const SOFT_SIDE = 512;
const BLUR_SIGMA = 2;
/** In larger photos a screen does not show what happens to single pixels. */
const FINE_PIXELS = 1_500_000;
/** The side of the centre that is compared, and the mean difference (of 255) that counts as none. */
const MIDDLE = 256;
const NOTHING = 1.5;

export class PhotoMode {
  name = 'photo';

  #view;
  #slot;
  #dock;
  #blurBox;
  /** @type {Blob | null} */
  #blob = null;
  #photoName = '';
  #note = '';
  #isSample = false;
  /** @type {((tools: any) => Promise<void>) | null} */
  #series = null; // translates several photos, or a film, in place of the one
  #filmName;
  /** @type {any} */
  #shown = null; // { isSoft, isScaled, middle, line } of what the view shows
  #isOpening = false;
  /** @type {AbortController | null} */
  #job = null;
  #presented = 0;

  /** `filmName` returns the name of a file, without the ending. */
  constructor({ view, slot, dock, blurBox, filmName }) {
    this.#view = view;
    this.#slot = slot;
    this.#dock = dock;
    this.#blurBox = blurBox;
    this.#filmName = filmName;
    blurBox.addEventListener('change', () => {
      if (this.#blob && !this.#isSample) this.translate();
    });
  }

  get hasWork() {
    return this.#blob !== null || this.#series !== null;
  }

  /** The translation as ImageData, or null. */
  get result() {
    return this.#blob ? this.#view.result : null;
  }
  get resultCanvas() {
    return this.#view.after;
  }
  before() {
    return this.#view.source();
  }
  get linked() {
    return this.#isSample ? { sample: this.#photoName } : null;
  }
  get resultName() {
    return this.#photoName.replace(/\.[^.]*$/, '') || 'photo';
  }

  show() {
    this.#view.clear();
    this.#shown = null;
    if (this.hasWork) this.translate();
  }

  /** Shows a sample and its translation until the visitor brings a photo. */
  async present({ bitmap, picture }) {
    if (this.#isOpening) return '';
    const mine = ++this.#presented;
    const { width, height } = bitmap;
    const context = softwareContext(new OffscreenCanvas(width, height));
    context.drawImage(picture, 0, 0, width, height);
    await this.#view.show(bitmap, width, height);
    if (mine === this.#presented && !this.hasWork) {
      await this.#view.showResult(context.getImageData(0, 0, width, height));
    }
    return () => text('A sample. Nothing loads until you choose a photo.');
  }

  leave() {
    this.#presented++;
    this.#job?.abort();
    this.#job = null;
  }

  /** Goes on with another model or backend. */
  resume() {
    if (!this.#isOpening) this.translate(); // a photo that is being opened is translated anyway
  }

  cancel() {
    this.#job?.abort();
  }

  async open(blob, name, { sample = false, note = '' } = {}) {
    this.#job?.abort(); // the latest photo wins
    const mine = (this.#job = new AbortController());
    this.#isOpening = true;
    this.#presented++;
    try {
      await this.#show(blob, name, { note, signal: mine.signal });
      this.#blob = blob;
      this.#series = null;
      this.#photoName = name;
      this.#note = note;
      this.#isSample = sample;
      this.#blurBox.checked = false;
    } catch (error) {
      if (this.#job !== mine) return;
      if (error.code === 'aborted') return this.#failed(error);
      this.#dock.error(error);
      if (this.hasWork && !this.result)
        this.#dock.offerRetry(
          () => text('Translate'),
          () => this.translate(),
        );
      return;
    } finally {
      if (this.#job === mine || this.#job === null) this.#isOpening = false;
    }
    await this.translate();
  }

  /** Translates several photos into one archive. */
  async openAll(files) {
    await this.#openSeries('', async (tools) => {
      const { translateAll } = await import('./batch.js');
      await translateAll(files, tools);
    });
  }

  /** Translates a film into another one. */
  async openFilm(file, note) {
    await this.#openSeries(file.name, async (tools) => {
      const { translateFilm } = await import('./video.js');
      await translateFilm(file, note, tools);
    });
  }

  async #openSeries(name, series) {
    this.#presented++;
    this.#isOpening = false;
    this.#isSample = false;
    this.#blob = null;
    this.#photoName = name;
    this.#series = series;
    await this.translate();
  }

  async #translateSeries(series) {
    const job = this.#startJob();
    this.#shown = null;
    this.#dock.caption('');
    this.#dock.set('working');
    try {
      await series({
        slot: this.#slot,
        view: this.#view,
        stage: stageOf(this.#view),
        dock: this.#dock,
        filmName: this.#filmName,
        startJob: () => this.#startJob(),
        again: () => this.translate(),
        ...job,
      });
    } catch (error) {
      if (job.isLatest()) this.#dock.error(error, () => this.translate());
    }
  }

  /** Ends the job before. */
  #startJob() {
    this.#job?.abort();
    const mine = (this.#job = new AbortController());
    return { signal: mine.signal, isLatest: () => this.#job === mine };
  }

  async translate() {
    if (this.#series) return this.#translateSeries(this.#series);
    if (!this.#blob) return;
    const { signal, isLatest } = this.#startJob();
    try {
      if (this.#slot.isLoaded) this.#dock.set('working', () => text('Preparing…'));
      else this.#dock.set('loading', () => text('Loading the model…'));
      this.#view.hideResult();
      const source = await this.#source(signal);
      this.#dock.caption(this.#shown.line);
      const session = await this.#slot.ensure();
      if (!isLatest()) return;
      const isOnCard = session.backend === 'webgpu';
      this.#dock.set('working', () =>
        isOnCard ? text('Translating on the graphics card…') : text('Translating on the processor…'),
      );
      if (this.#isTooFine(session)) this.#offerSoftCopy();
      const begun = performance.now();
      const onRows = (rgba, width, top) => isLatest() && this.#view.showRows(rgba, width, top);
      const result = await session.run(source, { signal, onRows });
      if (!isLatest()) return;
      const milliseconds = performance.now() - begun;
      const elapsed = () => format.duration(milliseconds);
      this.#dock.elapsed(elapsed);
      this.#dock.facts(session); // a restart may have changed them
      await this.#view.showResult(result);
      if (isLatest()) this.#done(session, result, elapsed);
    } catch (error) {
      if (!isLatest()) return;
      this.#view.hideResult(); // rows of it may have come
      this.#failed(Pix2PixError.from(error));
    }
  }

  #done(session, result, elapsed) {
    const advice = this.#advice(session, result);
    const hint = this.#view.layout === 'side' ? '' : () => text('Drag across the picture to compare.');
    const words = () => `${text('Done in {time}.', { time: elapsed() })} ${spelled(advice ?? hint)}`;
    this.#dock.set('done', words);
    if (advice) this.#offerSoftCopy();
  }

  /** Why a sharp photo hardly changes, if it does not. */
  #advice(session, result) {
    if (!this.#canSoften(session)) return null;
    if (change(this.#shown.middle, result) < NOTHING)
      return () => text('Hardly anything changed: this photo has no fault that the model knows.');
    return this.#isTooFine(session)
      ? () => text('It sharpens what is a few pixels wide: zoom in to see it in so large a photo.')
      : null;
  }

  #failed(error) {
    if (error.code !== 'aborted') return this.#dock.error(error, () => this.translate());
    this.#dock.set(this.#slot.isEmpty ? 'empty' : 'ready', () => text('Cancelled.'));
    if (this.hasWork)
      this.#dock.offerRetry(
        () => text('Translate'),
        () => this.translate(),
      );
  }

  #canSoften({ manifest }) {
    return undoesBlur(manifest) && !this.#isSample && !this.#shown.isSoft;
  }

  #isTooFine(session) {
    return this.#canSoften(session) && this.#view.before.width * this.#view.before.height > FINE_PIXELS;
  }

  #offerSoftCopy() {
    this.#dock.offerRetry(
      () => text('Try a soft copy'),
      () => {
        this.#blurBox.checked = true;
        this.translate();
      },
    );
  }

  async #show(blob, name, { isSoft = false, note = '', signal }) {
    const bitmap = await decodeImage(blob, { name: name ? format.quoted(name) : phrase('The picture') });
    const [width, height] = fittingSize(bitmap, isSoft ? SOFT_SIDE : Infinity);
    const scale = Math.max(width / bitmap.width, height / bitmap.height);
    const from = scale < 1 ? [bitmap.width, bitmap.height] : null;
    const line = () => [name, sizeLine([width, height], from, isSoft), spelled(note)].filter(Boolean).join(' · ');
    const shown = { isSoft, isScaled: scale < 1, middle: cut(bitmap, scale, width, height), line };
    const soft = isSoft ? await softened(bitmap, width, height) : bitmap;
    if (signal.aborted) throw abortedError(phrase('Opening the photo'));
    this.#shown = null;
    if (await this.#view.show(soft, width, height)) this.#shown = shown;
    if (signal.aborted || !this.#shown) throw abortedError(phrase('Opening the photo'));
    this.#dock.caption(line);
  }

  /** The unchanged file itself, which the worker decodes, or the edited image. */
  async #source(signal) {
    const isSoft = this.#blurBox.checked && !this.#isSample;
    if (this.#shown?.isSoft !== isSoft)
      await this.#show(this.#blob, this.#photoName, { isSoft, note: this.#note, signal });
    return isSoft || this.#shown.isScaled ? this.#view.source() : this.#blob;
  }
}

function sizeLine(sides, sidesFrom, isSoft) {
  const size = format.pixels(...sides);
  const from = sidesFrom ? format.pixels(...sidesFrom) : '';
  if (isSoft) return from ? text('{size}, softened, of {from}', { size, from }) : text('{size}, softened', { size });
  return from ? text('{size}, scaled down from {from} to fit into memory', { size, from }) : size;
}

/** Where several photos are shown one after the other. */
function stageOf(view) {
  return {
    async show(bitmap, file) {
      const [width, height] = fittingSize(bitmap);
      const isWhole = width === bitmap.width;
      await view.show(bitmap, width, height);
      return isWhole ? file : view.source();
    },
    showResult: (picture) => view.showResult(picture),
    get after() {
      return view.after;
    },
  };
}

/** The centre of an image that is scaled to `width` and `height`, as ImageData. */
function cut(bitmap, scale, width, height) {
  const [w, h] = [Math.min(MIDDLE, width), Math.min(MIDDLE, height)];
  const context = softwareContext(new OffscreenCanvas(w, h));
  const [x, y] = [(width - w) >> 1, (height - h) >> 1];
  context.drawImage(bitmap, x / scale, y / scale, w / scale, h / scale, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}

/** The mean difference between the centre of the input and that of the result. */
function change(middle, { width, data }) {
  const [x, y] = [(width - middle.width) >> 1, (data.length / 4 / width - middle.height) >> 1];
  let sum = 0;
  for (let row = 0; row < middle.height; row++) {
    for (let at = 0; at < middle.width * 4; at++) {
      sum += Math.abs(middle.data[row * middle.width * 4 + at] - data[((y + row) * width + x) * 4 + at]);
    }
  }
  return sum / (middle.width * middle.height * 3); // alpha stays
}

/** Closes `bitmap`. */
async function softened(bitmap, width, height) {
  const context = softwareContext(new OffscreenCanvas(width, height));
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height);
  await blur(pixels, BLUR_SIGMA);
  return createImageBitmap(pixels);
}
