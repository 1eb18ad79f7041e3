// The way in for drawings: every stroke is translated while it is drawn.

import { DrawPane } from './draw-pane.js';
import { Pix2PixError } from './errors.js';
import * as words from './words.js';

export class DrawWay {
  name = 'draw';

  #pane;
  #slot;
  #dock;
  #host;
  #manifest = null;
  #file = '';

  constructor({ host, slot, dock }) {
    this.#host = host;
    this.#slot = slot;
    this.#dock = dock;
    this.#pane = new DrawPane({
      translate: (pixels) => this.#translate(pixels),
      onState: (state, detail) => this.#report(state, detail),
    });
    host.append(this.#pane.root);
  }

  get hasWork() { return !this.#pane.board.isUntouched; }
  get result() { return this.#pane.picture; }
  get resultCanvas() { return this.#pane.pictureCanvas; }
  get input() { return this.#pane.board.canvas; }
  get resultName() { return this.#file.replace(/\.[^.]*$/, '') || 'drawing'; }

  show() {
    this.#host.hidden = false;
  }

  leave() {
    this.#pane.stop();
    this.#host.hidden = true;
  }

  /** An empty drawing for another model. */
  begin(manifest) {
    if (manifest === this.#manifest) return;
    this.#manifest = manifest;
    this.#file = '';
    this.#pane.begin(manifest);
  }

  resume() {
    return this.#pane.ask();
  }

  cancel() {
    this.#pane.stop();
    this.#slot.cancelLoading();
  }

  async open(blob, name) {
    try {
      await this.#pane.load(blob, name);
      this.#file = name;
    } catch (error) {
      this.#dock.error(error);
    }
  }

  async #translate(pixels) {
    if (!this.#slot.isLoaded) this.#dock.set('loading', 'Loading the model…');
    const session = await this.#slot.ensure();
    if (this.#host.hidden) return null;
    const picture = await session.run(pixels);
    this.#dock.facts(session);
    return this.#host.hidden ? null : picture;
  }

  #report(state, detail) {
    if (this.#host.hidden) return;
    if (state === 'done') {
      this.#dock.elapsed(words.duration(detail));
      this.#dock.set('done', `${words.duration(detail)} a picture`, { quietly: true });
    } else if (state === 'error') {
      const error = Pix2PixError.from(detail);
      if (error.code !== 'aborted') return this.#dock.error(error, () => this.#pane.ask());
      this.#dock.set('empty', 'Cancelled. Draw on to start again.');
    }
  }
}
