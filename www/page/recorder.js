// Records a canvas as a film.

import { Pix2PixError } from '../runtime/errors.js';
import { paintBeforeAfter, widthOfBoth } from './before-after.js';

const TYPES = ['video/mp4;codecs=avc1.42E01F', 'video/webm;codecs=vp9', 'video/webm'];
/** Frames are enlarged to about this side: players show small films small. */
const SIDE = 512;
const BITS_PER_SECOND = 4e6;

/** The type of the films that this browser records. */
export function filmType() {
  const type = globalThis.MediaRecorder && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
  if (!type || !HTMLCanvasElement.prototype.captureStream)
    throw new Pix2PixError('camera', 'This browser records no films. Save a picture instead.');
  return type;
}

/** How many times larger frames become whose shorter side is `side`. */
export function enlargement(side) {
  return Math.max(1, Math.round(SIDE / side));
}

export class Recorder {
  #canvas = document.createElement('canvas');
  /** @type {any} */
  #recorder = null;
  #parts = [];
  #begun = 0;

  constructor(width, height) {
    filmType();
    // Some encoders take only even sides.
    this.#canvas.width = width + (width % 2);
    this.#canvas.height = height + (height % 2);
    this.context.imageSmoothingQuality = 'high';
  }

  /** Where the film is painted. */
  get context() {
    return /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
  }

  /** Begins with what is painted now. */
  start() {
    this.#recorder = new MediaRecorder(this.#canvas.captureStream(), {
      mimeType: filmType(),
      videoBitsPerSecond: BITS_PER_SECOND,
    });
    this.#recorder.addEventListener('dataavailable', ({ data }) => this.#parts.push(data));
    this.#recorder.start();
    this.#begun = performance.now();
  }

  get seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  pause() {
    if (this.#recorder.state === 'recording') this.#recorder.pause();
  }

  resume() {
    if (this.#recorder.state === 'paused') this.#recorder.resume();
  }

  /** The film. */
  async end() {
    // It may have ended by itself.
    if (this.#recorder.state !== 'inactive') {
      const stopped = new Promise((resolve) => {
        this.#recorder.addEventListener('stop', resolve);
      });
      this.#recorder.stop();
      await stopped;
    }
    for (const track of this.#recorder.stream.getTracks()) track.stop();
    return new Blob(this.#parts, { type: this.#recorder.mimeType.split(';')[0] });
  }
}

/** Records square frames, before and after beside each other, as they come. */
export class LiveRecorder extends Recorder {
  #size;

  constructor(side, isGrey) {
    const enlarged = side * enlargement(side);
    super(widthOfBoth(enlarged), enlarged);
    this.#size = { width: enlarged, height: enlarged, isGrey };
    this.start();
  }

  add(before, after) {
    paintBeforeAfter(this.context, before, after, this.#size);
  }
}
