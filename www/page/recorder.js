// Records before and after, beside each other, as a film.

import { Pix2PixError } from '../runtime/errors.js';
import { paintBeforeAfter, widthOfBoth } from './before-after.js';

const TYPES = ['video/mp4;codecs=avc1.42E01F', 'video/webm;codecs=vp9', 'video/webm'];
/** Frames are enlarged to about this side: players show small films small. */
const SIDE = 512;
const BITS_PER_SECOND = 4e6;

export class Recorder {
  #canvas = document.createElement('canvas');
  #recorder;
  #parts = [];
  #begun = performance.now();
  #size;

  /** Begins a film of square frames. */
  constructor(side, isGrey) {
    const type = globalThis.MediaRecorder && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type || !this.#canvas.captureStream)
      throw new Pix2PixError('camera', 'This browser records no films. Save a picture instead.');
    const enlarged = side * Math.max(1, Math.round(SIDE / side));
    this.#size = { width: enlarged, height: enlarged, isGrey };
    this.#canvas.width = widthOfBoth(enlarged);
    this.#canvas.height = enlarged;
    this.#canvas.getContext('2d'); // without one there is no stream
    this.#recorder = new MediaRecorder(this.#canvas.captureStream(), {
      mimeType: type,
      videoBitsPerSecond: BITS_PER_SECOND,
    });
    this.#recorder.addEventListener('dataavailable', ({ data }) => this.#parts.push(data));
    this.#recorder.start();
  }

  get seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  add(before, after) {
    paintBeforeAfter(this.#canvas.getContext('2d'), before, after, this.#size);
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
