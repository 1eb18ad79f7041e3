// The mode for drawings: translates every stroke while it is drawn.

import { DrawPane } from '../view/draw-pane.js';
import { Pix2PixError } from '../runtime/errors.js';
import { decodeImage } from '../runtime/image.js';
import * as format from '../view/format.js';

export class DrawMode {
  name = 'draw';

  #pane;
  #slot;
  #dock;
  #host;
  #key = null; // under which the drawing is stored
  #file = '';
  #used = null;

  constructor({ host, slot, dock }) {
    this.#host = host;
    this.#slot = slot;
    this.#dock = dock;
    this.#pane = new DrawPane({
      ready: () => this.#session(),
      onState: (state, detail) => this.#report(state, detail),
    });
    host.append(this.#pane.root);
    addEventListener('pagehide', () => this.#keep());
  }

  get hasWork() {
    return !this.#pane.board.isUntouched;
  }
  get result() {
    return this.#pane.picture;
  }
  get resultCanvas() {
    return this.#pane.pictureCanvas;
  }
  async before() {
    return this.#pane.board.canvas;
  }
  get linked() {
    return this.#pane.linked;
  }
  get resultName() {
    return this.#file.replace(/\.[^.]*$/, '') || 'drawing';
  }

  show() {
    this.#host.hidden = false;
  }

  leave() {
    this.#pane.stop();
    this.#host.hidden = true;
  }

  /** Starts or restores the drawing for the model `key`. */
  async begin(manifest, key) {
    if (key === this.#key) return;
    this.#keep();
    this.#key = key;
    this.#file = '';
    this.#pane.begin(manifest);
    await this.#restore();
  }

  /** Shows a sample and its picture until the visitor draws. */
  present(opening) {
    this.#pane.present(opening);
    return this.#pane.board.isBegun
      ? 'Touch the drawing: it completes itself. Nothing loads until then.'
      : 'A sample. Draw on it: nothing loads until your first stroke.';
  }

  /** Handles a shortcut; true if the key is one. */
  press(event) {
    return this.#pane.press(event);
  }

  resume() {
    return this.#pane.ask();
  }

  cancel() {
    this.#pane.stop();
    this.#slot.cancelLoading();
  }

  /** Draws the strokes of a link, onto a sample if it names one; false if they are damaged. */
  draw(strokes, sample) {
    return this.#pane.draw(strokes, sample);
  }

  async open(blob, name, { sample = false, note = '' } = {}) {
    try {
      await this.#pane.load(blob, name, { sample });
      this.#file = name;
      this.#dock.caption(note);
    } catch (error) {
      this.#dock.error(error);
    }
  }

  async #session() {
    if (!this.#slot.isLoaded) this.#dock.set('loading', 'Loading the model…');
    const session = await this.#slot.ensure();
    this.#used = session;
    return this.#host.hidden ? null : session;
  }

  /** Stores the drawing for this tab, across other models and reloads. */
  #keep() {
    if (!this.#key || !this.hasWork) return;
    try {
      sessionStorage.setItem(`drawing ${this.#key}`, this.#pane.board.canvas.toDataURL());
    } catch {
      /* No room: the drawing lasts as long as the model stays. */
    }
  }

  async #restore() {
    const key = this.#key;
    try {
      const [, data] = sessionStorage.getItem(`drawing ${key}`)?.split(',') ?? [];
      if (!data) return;
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      const bitmap = await decodeImage(new Blob([bytes]));
      if (key === this.#key && !this.hasWork) this.#pane.board.restore(bitmap);
    } catch {
      /* The drawing starts empty. */
    }
  }

  #report(state, detail) {
    if (this.#host.hidden) return;
    if (state === 'done') {
      this.#dock.facts(this.#used); // a restart may have changed them
      this.#dock.elapsed(format.duration(detail));
      this.#dock.set('done', `${format.duration(detail)} a picture`, { quietly: true });
    } else if (state === 'error') {
      const error = Pix2PixError.from(detail);
      if (error.code !== 'aborted') return this.#dock.error(error, () => this.#pane.ask());
      this.#dock.set('empty', 'Cancelled. Draw on to start again.');
    }
  }
}
