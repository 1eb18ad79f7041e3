// A canvas to draw on: strokes, rectangles, history. draw-tools.js has its
// buttons, draw-pane.js translates the drawing.

import { softwareContext } from '../runtime/image.js';
import { paintBegun, trace } from './strokes.js';

const MAX_HISTORY = 40;
const PEN_ERASER = 32; // of PointerEvent.buttons
const KEY_STEP = 8;
/** Pixels of the drawing that a finger moves in a tap. */
const TAP = 6;

export const WHITE = [255, 255, 255];
export const BLACK = [0, 0, 0];

/** Fires `change` when pixels change (`detail.finished`: the stroke is over),
    `history` when undo or redo may have changed, `pen` when the keyboard moves it. */
export class DrawingBoard extends EventTarget {
  /** pencil | eraser | rectangle */
  tool = 'pencil';
  color = BLACK;
  /** In pixels of the drawing. */
  lineWidth = 3;
  /** The keyboard's pen. */
  pen = { x: 0, y: 0, isDown: false };

  #canvas;
  #context;
  #ground = WHITE;
  #isExact = false;
  #history = []; // { pixels, base, strokes } each
  #at = -1;
  /** @type {string | null} What the strokes lie on: '' for nothing, the name of a sample, null for anything else. */
  #base = '';
  #strokes = []; // { tool, color, width, points } each
  /** @type {any} */
  #stroke = null;
  /** @type {any} A drawing whose later strokes are missing: see strokes.js. */
  #begun = null;
  /** @type {AbortController | null} */
  #tracing = null;

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#context = softwareContext(canvas);
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#release(event));
    canvas.addEventListener('pointercancel', (event) => this.#release(event));
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('blur', () => this.#liftPen());
  }

  /** Starts an empty drawing. `isExact`: every pixel has one of the colours, as in
      label maps; otherwise lines are antialiased. */
  begin({ side, ground = WHITE, isExact = false }) {
    this.#leaveAsItIs();
    this.#canvas.width = this.#canvas.height = side;
    this.#ground = ground;
    this.#isExact = isExact;
    this.#history = [];
    this.#at = -1;
    this.#stroke = null;
    this.pen = { x: side / 2, y: side / 2, isDown: false };
    this.#fill();
    this.#lieOn('');
    this.#remember();
  }

  /** Shows a picture on the board, which stays untouched. `base`: its name, if it is a sample. */
  present(picture, base = null) {
    this.#history = [];
    this.#at = -1;
    this.restore(picture, base);
  }

  /** Shows a drawing that is only begun: the first touch completes it. */
  presentBegun(drawing) {
    this.present(paintBegun(drawing));
    this.#begun = drawing.later.length > 0 ? drawing : null;
    this.lineWidth = Math.round((drawing.width * this.#canvas.width) / drawing.side);
  }

  get canvas() {
    return this.#canvas;
  }
  get canUndo() {
    return this.#at > 0;
  }
  get canRedo() {
    return this.#at < this.#history.length - 1;
  }
  /** Whether the drawing is still empty. */
  get isUntouched() {
    return this.#history.length <= 1;
  }

  /** Whether strokes are missing. */
  get isBegun() {
    return this.#begun !== null;
  }

  undo() {
    this.#show(this.#at - 1);
  }
  redo() {
    this.#show(this.#at + 1);
  }

  clear() {
    this.#leaveAsItIs();
    this.#fill();
    this.#lieOn('');
    this.#finish();
  }

  /** { base, strokes } of the drawing: what it lies on and what was drawn since. */
  get drawing() {
    return { base: this.#base, strokes: this.#strokes };
  }

  /** The drawing's states, { pixels, base, strokes } each, since it was empty or got the picture under its
      strokes. If the oldest are forgotten, it begins with an empty board (whose pixels are null) where it lies on
      nothing, otherwise with the oldest that is known. */
  get past() {
    const states = this.#history.slice(0, this.#at + 1);
    const start = states.findLastIndex(({ strokes }) => strokes.length === 0);
    if (start >= 0) return states.slice(start);
    return this.#base === '' ? [{ pixels: null, base: '', strokes: [] }, ...states] : states;
  }

  /** An empty board of this kind, on a canvas of its own. */
  emptyCopy() {
    const copy = new DrawingBoard(document.createElement('canvas'));
    copy.begin({ side: this.#canvas.width, ground: this.#ground, isExact: this.#isExact });
    return copy;
  }

  /** Draws strokes, each a step to undo. */
  replay(strokes) {
    for (const { tool, color, width, points } of strokes) {
      const under = tool === 'rectangle' ? this.pixels() : null;
      this.#stroke = { tool, color, width, points: [], from: points[0], last: points[0], under };
      for (const point of points) this.#extend(point);
      this.#record();
      this.#remember();
    }
    this.#changed(true);
  }

  /** Draws a whole image, in its own aspect ratio. `base`: its name, if it is a sample. */
  load(picture, base = null) {
    this.restore(picture, base);
    this.#changed(true);
  }

  /** Like `load`, but without an event. `replaces`: the last step to undo becomes this one. */
  restore(picture, base = null, { replaces = false } = {}) {
    this.#leaveAsItIs();
    this.#lieOn(base);
    const { width, height } = this.#canvas;
    const scale = Math.min(width / picture.width, height / picture.height);
    const sides = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
    this.#fill();
    // Label maps must not get colours between two labels.
    this.#context.imageSmoothingEnabled = !this.#isExact;
    this.#context.drawImage(picture, (width - sides[0]) >> 1, (height - sides[1]) >> 1, ...sides);
    if (replaces) this.#at--;
    this.#remember();
  }

  pixels() {
    return this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
  }

  // ------------------------------------------------------------ strokes

  #press(event) {
    if (this.#stroke || (event.button > 0 && !(event.buttons & PEN_ERASER))) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    try {
      this.#canvas.setPointerCapture(event.pointerId);
    } catch {
      /* The pointer is already gone: it draws a dot. */
    }
    this.#start(this.#place(event), event.pointerId, (event.buttons & PEN_ERASER) !== 0);
  }

  #move(event) {
    if (this.#stroke?.pointer !== event.pointerId) return;
    const { isTap, from } = this.#stroke;
    const { x, y } = this.#place(event);
    if (isTap && Math.hypot(x - from.x, y - from.y) < TAP) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) this.#extend(this.#place(step));
    this.#changed(false);
  }

  #release(event) {
    if (this.#stroke?.pointer !== event.pointerId) return;
    this.#endStroke();
  }

  #start(point, pointer, erases) {
    const tool = erases ? 'eraser' : this.tool;
    // A tap that completes the drawing leaves no dot on it.
    const isTap = this.isBegun;
    if (isTap) this.#complete({ atOnce: tool === 'rectangle' }); // which goes back to what was under it
    const under = tool === 'rectangle' ? this.pixels() : null;
    const { color, lineWidth: width } = this;
    this.#stroke = { pointer, tool, color, width, points: [], from: point, last: point, under, isTap };
    if (!isTap) this.#extend(point);
    this.#changed(false);
  }

  #extend(point) {
    this.#stroke.isTap = false;
    const { tool, color, width, points, from, last, under } = this.#stroke;
    points.push(point);
    this.#context.fillStyle = this.#context.strokeStyle = css(tool === 'eraser' ? this.#ground : color);
    if (tool === 'rectangle') {
      this.#context.putImageData(under, 0, 0);
      this.#rectangle(from, point, width);
    } else if (this.#isExact) stampLine(this.#context, last, point, width);
    else smoothLine(this.#context, last, point, width);
    this.#stroke.last = point;
  }

  /** A tap has drawn nothing of its own. */
  #endStroke() {
    const { isTap } = this.#stroke;
    if (isTap) {
      this.#stroke = null;
      return;
    }
    this.#record();
    this.#finish();
  }

  #record() {
    const { tool, color, width, points } = this.#stroke;
    this.#strokes = [...this.#strokes, { tool, color, width, points }];
    this.#stroke = null;
  }

  #lieOn(base) {
    this.#base = base;
    this.#strokes = [];
  }

  /** Draws the strokes that are missing. */
  async #complete({ atOnce }) {
    const drawing = this.#begun;
    this.#begun = null;
    this.#tracing = new AbortController();
    const isWhole = await trace(this.#context, drawing, {
      scale: this.#canvas.width / drawing.side,
      signal: this.#tracing.signal,
      atOnce,
      onStep: () => this.#changed(false),
    });
    if (isWhole) this.#finish();
  }

  /** What is missing stays missing. */
  #leaveAsItIs() {
    this.#begun = null;
    this.#tracing?.abort();
  }

  /** Filled in label maps, outlined in line drawings. */
  #rectangle(from, to, width) {
    const [left, right] = [from.x, to.x].sort((a, b) => a - b).map(Math.round);
    const [top, bottom] = [from.y, to.y].sort((a, b) => a - b).map(Math.round);
    const box = [left, top, Math.max(1, right - left), Math.max(1, bottom - top)];
    if (this.#isExact) return this.#context.fillRect(...box);
    this.#context.lineJoin = 'miter';
    this.#context.lineWidth = width;
    this.#context.strokeRect(...box);
  }

  /** The event's position in the drawing. */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return {
      x: ((clientX - left) / width) * this.#canvas.width,
      y: ((clientY - top) / height) * this.#canvas.height,
    };
  }

  // ------------------------------------------------------------ keyboard

  #key(event) {
    const step = event.shiftKey ? 1 : KEY_STEP;
    const direction = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[
      event.key
    ];
    if (direction) this.#movePen(...direction);
    else if (event.key === ' ' || event.key === 'Enter') this.#togglePen();
    else if (event.key === 'Escape' && this.pen.isDown) this.#liftPen();
    else return;
    event.preventDefault();
  }

  #movePen(x, y) {
    this.pen.x = Math.min(this.#canvas.width, Math.max(0, this.pen.x + x));
    this.pen.y = Math.min(this.#canvas.height, Math.max(0, this.pen.y + y));
    if (this.pen.isDown) {
      this.#extend({ ...this.pen });
      this.#changed(false);
    }
    this.dispatchEvent(new Event('pen'));
  }

  #togglePen() {
    if (this.pen.isDown) return this.#liftPen();
    if (this.#stroke) return;
    this.pen.isDown = true;
    this.#start({ ...this.pen }, 'keyboard', false);
    this.dispatchEvent(new Event('pen'));
  }

  #liftPen() {
    if (!this.pen.isDown) return;
    this.pen.isDown = false;
    this.#endStroke();
    this.dispatchEvent(new Event('pen'));
  }

  // ------------------------------------------------------------ history

  #fill() {
    this.#context.fillStyle = css(this.#ground);
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  #finish() {
    this.#remember();
    this.#changed(true);
  }

  #remember() {
    this.#history.length = this.#at + 1;
    this.#history.push({ pixels: this.pixels(), ...this.drawing });
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    this.#at = this.#history.length - 1;
    this.dispatchEvent(new Event('history'));
  }

  #show(at) {
    if (this.#stroke || at < 0 || at >= this.#history.length) return;
    this.#leaveAsItIs();
    this.#at = at;
    const { pixels, base, strokes } = this.#history[at];
    [this.#base, this.#strokes] = [base, strokes];
    this.#context.putImageData(pixels, 0, 0);
    this.dispatchEvent(new Event('history'));
    this.#changed(true);
  }

  #changed(finished) {
    this.dispatchEvent(new CustomEvent('change', { detail: { finished } }));
  }
}

/** @param {number[]} color */
export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

/** A line of whole pixels, without mixed colours at its edges. */
function stampLine(context, from, to, width) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
  for (let step = 0; step <= steps; step++) {
    const share = step / steps;
    stampDisc(context, from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, width / 2);
  }
}

function stampDisc(context, x, y, radius) {
  for (let row = Math.ceil(y - radius - 0.5); row <= y + radius - 0.5; row++) {
    const half = Math.sqrt(Math.max(0, radius ** 2 - (row + 0.5 - y) ** 2));
    const left = Math.round(x - half);
    context.fillRect(left, row, Math.max(1, Math.round(x + half) - left), 1);
  }
}

function smoothLine(context, from, to, width) {
  context.lineCap = context.lineJoin = 'round';
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
}
