// Paints a large image and its translation in a worker: each change copies all
// pixels of a canvas, which would block the page.

import { WorkerRpc } from '../runtime/rpc.js';

export class Painter {
  #worker = new WorkerRpc(new URL('./painter-worker.js', import.meta.url));

  /** Takes control of two canvases that were never drawn on. */
  constructor(before, after) {
    const canvases = { before: before.transferControlToOffscreen(), after: after.transferControlToOffscreen() };
    this.#call('begin', { canvases }, Object.values(canvases)).catch(() => {});
  }

  /** Takes ownership of `bitmap`. */
  paintBefore(bitmap) {
    return this.#call('paintBefore', { bitmap }, [bitmap]);
  }

  /** `isFresh`: the canvas is emptied first. */
  paintRows(rgba, width, top, isFresh = false) {
    return this.#call('paintRows', { rgba, width, top, isFresh }, [rgba.buffer]);
  }

  /** The image to translate, as an ImageBitmap. */
  async source() {
    return (await this.#call('source', {})).bitmap;
  }

  /** Encodes the translation, like a canvas's `toBlob`. */
  toBlob(done, type, quality) {
    this.#call('encode', { type, quality }).then(
      ({ blob }) => done(blob),
      () => done(null),
    );
  }

  end() {
    this.#worker.end(new Error('Another picture is shown.'));
  }

  #call(kind, payload, transfer) {
    return this.#worker.call(kind, payload, transfer);
  }
}
