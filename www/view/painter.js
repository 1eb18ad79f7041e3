// Paints a large picture and its translation from a worker: the canvases'
// pixels are copied with each change, which takes the page too long.

import { WorkerLink } from '../runtime/worker-link.js';

export class Painter {
  #link = new WorkerLink(new URL('./painter-worker.js', import.meta.url));

  /** Takes the control over two canvases that nothing was drawn on. */
  constructor(before, after) {
    const canvases = { before: before.transferControlToOffscreen(), after: after.transferControlToOffscreen() };
    this.#call('begin', { canvases }, Object.values(canvases)).catch(() => {});
  }

  /** Takes `bitmap`, too. */
  paintBefore(bitmap) {
    return this.#call('paintBefore', { bitmap }, [bitmap]);
  }

  paintRows(rgba, width, top) {
    return this.#call('paintRows', { rgba, width, top }, [rgba.buffer]);
  }

  /** What is to be translated, as an ImageBitmap. */
  async source() {
    return (await this.#call('source', {})).bitmap;
  }

  /** As of a canvas: the translation. */
  toBlob(done, type, quality) {
    this.#call('encode', { type, quality }).then(
      ({ blob }) => done(blob),
      () => done(null),
    );
  }

  end() {
    this.#link.end(new Error('Another picture is shown.'));
  }

  #call(kind, payload, transfer) {
    return this.#link.call(kind, payload, transfer);
  }
}
