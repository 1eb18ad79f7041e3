// Records a canvas as a film.

import { Pix2PixError } from '../runtime/errors.js';
import { paintBeforeAfter, widthOfBoth } from './before-after.js';

const TYPES = ['video/mp4;codecs=avc1.42E01F', 'video/webm;codecs=vp9', 'video/webm'];
/** Frames are enlarged to about this side: players show small films small. */
const SIDE = 512;
export const BITS_PER_SECOND = 4e6;
/** The encoder is done when it has written nothing for so many looks, with so many milliseconds between them;
    after so many looks the film is taken as it is. */
const QUIET_LOOKS = 3;
const MOST_LOOKS = 50;
const BETWEEN_LOOKS = 100;

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
    await this.#encoded();
    if (this.#recorder.state !== 'inactive') {
      const stopped = this.#next('stop');
      this.#recorder.stop();
      await stopped;
    }
    for (const track of this.#recorder.stream.getTracks()) track.stop();
    return new Blob(this.#parts, { type: this.#recorder.mimeType.split(';')[0] });
  }

  /** Waits for frames that are still being encoded: browsers drop them when a film ends. */
  async #encoded() {
    let quiet = 0;
    for (let look = 0; look < MOST_LOOKS && this.#recorder.state !== 'inactive'; look++) {
      const written = this.#next('dataavailable');
      this.#recorder.requestData();
      const { size } = (await written).data;
      quiet = size > 0 ? 0 : quiet + 1;
      if (quiet >= QUIET_LOOKS && this.#parts.some((part) => part.size > 0)) return;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS));
    }
  }

  #next(event) {
    return new Promise((resolve) => {
      this.#recorder.addEventListener(event, resolve, { once: true });
    });
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
