// A drawing and its live translation, side by side: the board, its tools and the
// result. The page and the widget both show it.

import { decodeImage, softwareContext } from '../runtime/image.js';
import { BLACK, DrawingBoard, WHITE } from './drawing-board.js';
import { drawTools } from './draw-tools.js';
import { element } from './element.js';
import { show, text } from './language.js';
import { LatestWins } from './latest-wins.js';
import { naturalSide, paletteOf } from './manifest.js';
import { decodeStrokes, encodeStrokes } from './stroke-code.js';

export class DrawPane {
  /** The element to insert. */
  root;
  board;

  #canvas = element('canvas', {
    className: 'drawing',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': () => text('drawing'),
    'aria-label': () => text('Your drawing. Arrow keys move the pen, Space puts it down and lifts it.'),
  });
  #pen = element('i', { className: 'pen', hidden: true });
  #result = element('canvas', { role: 'img', 'aria-label': () => text('What the model makes of the drawing') });
  #empty = element(
    'p',
    { className: 'empty' },
    () => text('Draw here'),
    element('br'),
    () => text('and watch it there'),
  );
  #spoken = element('p', { className: 'sr', role: 'status' });
  #toolbar = element('div', { className: 'draw-head' });
  #palette = element('div', { className: 'draw-foot' });
  /** @type {ReturnType<typeof drawTools> | null} */
  #tools = null;
  /** @type {AbortController | null} */
  #toolsLife = null;
  #live;
  #colors = [];
  #ready;
  #onState;
  /** @type {ImageData | null} */
  #picture = null;

  /** `ready` promises a `Pix2Pix`, or null if nothing should be translated. `onState` gets
      'working', 'done' with the milliseconds, or 'error' with the error. */
  constructor({ ready, onState }) {
    this.#ready = ready;
    this.#onState = onState;
    this.board = new DrawingBoard(this.#canvas);
    this.#live = new LatestWins(() => this.#redraw());
    this.board.addEventListener('change', () => this.#live.ask());
    this.board.addEventListener('pen', () => this.#showPen());
    this.#canvas.addEventListener('focus', () => this.#showPen());
    this.#canvas.addEventListener('blur', () => {
      this.#pen.hidden = true;
    });
    this.#canvas.addEventListener('pointerdown', () => {
      this.#pen.hidden = true;
    });
    const side = (label, ...inside) =>
      element(
        'figure',
        { className: 'sheet' },
        element('div', { className: 'sheet-frame' }, ...inside),
        element('figcaption', {}, label),
      );
    this.root = element(
      'div',
      { className: 'draw' },
      this.#toolbar,
      element(
        'div',
        { className: 'sheets' },
        side(() => text('Your drawing'), this.#canvas, this.#pen),
        side(() => text('Its picture'), this.#result, this.#empty),
      ),
      this.#palette,
      this.#spoken,
    );
    this.root.addEventListener('keydown', (event) => {
      if (event.target.type !== 'range') this.press(event);
    });
  }

  /** Handles a shortcut; true if the key is one. */
  press(event) {
    return this.#tools?.press(event) ?? false;
  }

  /** Starts an empty drawing for a model. */
  begin(manifest) {
    const palette = paletteOf(manifest);
    this.#colors = palette.length > 0 ? palette.map(({ color }) => color) : [BLACK, WHITE];
    const side = naturalSide(manifest);
    this.#live.drop();
    this.board.begin({ side, ground: palette[0]?.color ?? WHITE, isExact: palette.length > 0 });
    this.#toolsLife?.abort();
    this.#toolsLife = new AbortController();
    this.#tools = drawTools(this.board, palette, this.#toolsLife.signal);
    this.#toolbar.replaceChildren(this.#tools.bar);
    this.#palette.replaceChildren(this.#tools.colors);
    this.#canvas.classList.toggle('is-exact', palette.length > 0);
    this.#picture = null;
    this.#result.width = this.#result.height = side;
    this.#empty.hidden = false;
  }

  /** Shows a sample on the board, which stays untouched, and its picture, made before: `{ strokes }` or
      `{ bitmap, name }`, and `picture`. */
  present({ strokes, bitmap, name, picture }) {
    if (strokes) {
      this.board.presentBegun(strokes);
      this.#tools?.showLineWidth();
    } else this.board.present(bitmap, name);
    const { width, height } = this.#result;
    softwareContext(this.#result).drawImage(picture, 0, 0, width, height);
    this.#empty.hidden = true;
  }

  /** Puts an image file onto the board. */
  async load(blob, name, { sample = false } = {}) {
    const bitmap = await decodeImage(blob, { name });
    this.board.load(bitmap, sample ? name : null);
    bitmap.close();
  }

  /** { sample, strokes }: the name of the sample that the drawing lies on, '' for none, and what was drawn on
      it as a text; null if a text cannot hold it. */
  get linked() {
    const { base, strokes } = this.board.drawing;
    const code = base === null ? null : encodeStrokes(strokes, this.board.canvas.width);
    return code === null ? null : { sample: base, strokes: code };
  }

  /** Draws what `linked` has written, onto a sample if there is one; false if the text is damaged.
      @param {string} code @param {{ name: string, read(): Promise<Blob> }} [sample] */
  async draw(code, sample) {
    const strokes = decodeStrokes(code, this.board.canvas.width);
    const isOffered = ({ color }) => this.#colors.some((offered) => String(offered) === String(color));
    if (!strokes?.every(isOffered)) return false;
    if (sample) {
      const bitmap = await decodeImage(await sample.read(), { name: sample.name });
      this.board.restore(bitmap, sample.name);
      bitmap.close();
    } else this.board.clear(); // this tab may have kept a drawing
    this.board.replay(strokes);
    return true;
  }

  /** The translation as ImageData, or null. */
  get picture() {
    return this.#picture;
  }

  /** The canvas that shows it. */
  get pictureCanvas() {
    return this.#result;
  }

  /** Shows a translation of what is on the board. */
  showPicture(picture) {
    this.#picture = picture;
    this.#result.width = picture.width;
    this.#result.height = picture.height;
    softwareContext(this.#result).putImageData(picture, 0, 0);
    this.#empty.hidden = true;
  }

  /** Translates the drawing, as after a stroke. */
  ask() {
    return this.#live.ask();
  }

  stop() {
    this.#live.drop();
  }

  async #redraw() {
    const tools = this.#tools;
    const isStale = () => tools !== this.#tools; // the model has changed
    this.root.dataset.busy = '';
    try {
      this.#onState('working');
      const session = await this.#ready();
      if (!session || isStale()) return;
      const begun = performance.now(); // without the loading time
      const picture = await session.run(this.board.pixels());
      const elapsed = performance.now() - begun;
      if (isStale()) return;
      this.showPicture(picture);
      this.#onState('done', elapsed);
    } catch (error) {
      if (!isStale()) this.#onState('error', error);
    } finally {
      delete this.root.dataset.busy;
    }
  }

  #showPen() {
    const { x, y, isDown } = this.board.pen;
    this.#pen.hidden = !this.#canvas.matches(':focus-visible');
    this.#pen.dataset.down = isDown;
    this.#pen.style.left = `${(x / this.#canvas.width) * 100}%`;
    this.#pen.style.top = `${(y / this.#canvas.height) * 100}%`;
    if (this.#pen.hidden) return;
    const place = { x: Math.round(x), y: Math.round(y) };
    show(this.#spoken, () => (isDown ? text('Pen down at {x}, {y}', place) : text('Pen up at {x}, {y}', place)));
  }
}
