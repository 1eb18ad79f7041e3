// A drawing and its translation, side by side, alive: the board, its tools
// and the picture beside it. The page and the widget both show it; who
// translates, and what is said about it, is theirs.

import { decodePicture } from '../runtime/image.js';
import { DrawingBoard, WHITE } from './drawing-board.js';
import { drawTools } from './draw-tools.js';
import { element } from './element.js';
import { LatestWins } from './latest-wins.js';
import { naturalSide, paletteOf } from './manifest.js';

export class DrawPane {
  /** Put this where the pane is to be. */
  root;
  board;

  #canvas = element('canvas', {
    className: 'drawing',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': 'drawing',
    'aria-label': 'Your drawing. Arrow keys move the pen, Space puts it down and lifts it.',
  });
  #pen = element('i', { className: 'pen', hidden: true });
  #result = element('canvas', { role: 'img', 'aria-label': 'What the model makes of the drawing' });
  #empty = element('p', { className: 'empty' }, 'Draw here', element('br'), 'and watch it there');
  #spoken = element('p', { className: 'sr', role: 'status' });
  #toolbar = element('div', { className: 'draw-head' });
  #palette = element('div', { className: 'draw-foot' });
  #tools = null;
  #toolsLife = null;
  #live;
  #ready;
  #onState;
  #picture = null;

  /** `ready` promises a `Pix2Pix`, or null where nothing is to be done; `onState` hears
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
        side('Your drawing', this.#canvas, this.#pen),
        side('Its picture', this.#result, this.#empty),
      ),
      this.#palette,
      this.#spoken,
    );
    this.root.addEventListener('keydown', (event) => {
      if (event.target.type !== 'range') this.press(event);
    });
  }

  /** Does what a key stands for; true if it stands for something. */
  press(event) {
    return this.#tools?.press(event) ?? false;
  }

  /** An empty drawing for a model. */
  begin(manifest) {
    const palette = paletteOf(manifest);
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

  /** A picture to go on from. */
  async load(blob, name) {
    const bitmap = await decodePicture(blob, { name });
    this.board.load(bitmap);
    bitmap.close();
  }

  /** The translation as ImageData, or null. */
  get picture() {
    return this.#picture;
  }

  /** The canvas that shows it. */
  get pictureCanvas() {
    return this.#result;
  }

  /** Translates what is drawn, as after a stroke. */
  ask() {
    return this.#live.ask();
  }

  stop() {
    this.#live.drop();
  }

  async #redraw() {
    const tools = this.#tools;
    const isStale = () => tools !== this.#tools; // another model's drawing began
    this.root.dataset.busy = '';
    try {
      this.#onState('working');
      const session = await this.#ready();
      if (!session || isStale()) return;
      const begun = performance.now(); // without what loading takes
      const picture = await session.run(this.board.pixels());
      const elapsed = performance.now() - begun;
      if (isStale()) return;
      this.#picture = picture;
      this.#result.width = picture.width;
      this.#result.height = picture.height;
      this.#result.getContext('2d', { willReadFrequently: true }).putImageData(picture, 0, 0);
      this.#empty.hidden = true;
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
    if (!this.#pen.hidden)
      this.#spoken.textContent = `Pen ${isDown ? 'down' : 'up'} at ${Math.round(x)}, ${Math.round(y)}`;
  }
}
