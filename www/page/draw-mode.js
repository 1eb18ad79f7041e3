// The mode for drawings: translates every stroke while it is drawn.

import { DrawPane } from '../view/draw-pane.js';
import { Pix2PixError } from '../runtime/errors.js';
import { decodeImage } from '../runtime/image.js';
import * as format from '../view/format.js';
import { text } from '../view/language.js';
import { sentenceOf } from '../view/sentence.js';

export class DrawMode {
  name = 'draw';

  #pane;
  #slot;
  #dock;
  #host;
  #key = null; // under which the drawing is stored
  #file = '';
  #used = null;
  #filmName;
  /** @type {AbortController | null} */
  #job = null; // several pictures, or a film: nothing is drawn meanwhile

  /** `filmName` returns the name of a file, without the ending. */
  constructor({ host, slot, dock, filmName }) {
    this.#filmName = filmName;
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

  get hasFilm() {
    return this.#pane.board.drawing.strokes.length > 0;
  }

  show() {
    this.#host.hidden = false;
  }

  leave() {
    this.#dropJob();
    this.#pane.stop();
    this.#host.hidden = true;
  }

  /** Starts or restores the drawing for the model `key`. */
  async begin(manifest, key) {
    if (key === this.#key) return;
    this.#dropJob();
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
      ? () => text('Touch the drawing: it completes itself. Nothing loads until then.')
      : () => text('A sample. Draw on it: nothing loads until your first stroke.');
  }

  /** Handles a shortcut; true if the key is one. */
  press(event) {
    return !this.#job && this.#pane.press(event);
  }

  resume() {
    this.#dropJob();
    return this.#pane.ask();
  }

  cancel() {
    this.#job?.abort();
    this.#pane.stop();
    this.#slot.cancelLoading();
  }

  /** Draws the strokes of a link, onto a sample if it names one; false if they are damaged. */
  draw(strokes, sample) {
    return this.#pane.draw(strokes, sample);
  }

  /** Translates several pictures into one archive. The drawing of before is one step back. */
  async openAll(files) {
    this.#file = '';
    this.#dock.caption('');
    this.#pane.stop();
    await this.#alone(async (job) => {
      const { translateAll } = await import('./batch.js');
      const [slot, dock] = [this.#slot, this.#dock];
      await translateAll(files, { slot, dock, stage: this.#stage(), again: () => this.openAll(files), ...job });
    });
  }

  /** Saves the strokes, drawn once more, as a film. */
  async film() {
    await this.#alone(async ({ signal, isLatest }) => {
      let words;
      try {
        const { saveDrawingFilm } = await import('./drawing-film.js');
        const tools = { ready: () => this.#slot.ensure(), dock: this.#dock, signal };
        words = await saveDrawingFilm(this.#pane.board, this.#filmName(), tools);
      } catch (thrown) {
        const error = Pix2PixError.from(thrown);
        words = () => (error.code === 'aborted' ? text('Cancelled.') : sentenceOf(error));
      }
      if (isLatest()) this.#dock.set('done', words);
    });
  }

  /** Does work during which nobody draws. */
  async #alone(work) {
    this.#dropJob();
    const mine = (this.#job = new AbortController());
    this.#host.inert = true;
    this.#dock.set('working');
    try {
      await work({ signal: mine.signal, isLatest: () => this.#job === mine });
    } catch (error) {
      if (this.#job === mine) this.#dock.error(error);
    } finally {
      if (this.#job === mine) this.#dropJob();
    }
  }

  #dropJob() {
    this.#job?.abort();
    this.#job = null;
    this.#host.inert = false;
  }

  /** Where several pictures are shown one after the other. */
  #stage() {
    const pane = this.#pane;
    let isFirst = true;
    return {
      async show(bitmap) {
        pane.board.restore(bitmap, null, { replaces: !isFirst });
        isFirst = false;
        bitmap.close();
        return pane.board.pixels();
      },
      showResult: (picture) => pane.showPicture(picture),
      after: pane.pictureCanvas,
    };
  }

  async open(blob, name, { sample = false, note = '' } = {}) {
    this.#dropJob();
    try {
      await this.#pane.load(blob, name, { sample });
      this.#file = name;
      this.#dock.caption(note);
    } catch (error) {
      this.#dock.error(error);
    }
  }

  async #session() {
    if (!this.#slot.isLoaded) this.#dock.set('loading', () => text('Loading the model…'));
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
    if (this.#host.hidden || this.#job) return;
    if (state === 'done') {
      this.#dock.facts(this.#used); // a restart may have changed them
      const time = () => format.duration(detail);
      this.#dock.elapsed(time);
      this.#dock.set('done', () => text('{time} a picture', { time: time() }), { quietly: true });
    } else if (state === 'error') {
      const error = Pix2PixError.from(detail);
      if (error.code !== 'aborted') return this.#dock.error(error, () => this.#pane.ask());
      this.#dock.set('empty', () => text('Cancelled. Draw on to start again.'));
    }
  }
}
