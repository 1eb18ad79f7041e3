// Zooms and pans the content of a frame: by wheel, pinch, drag, double click,
// keys and calls. Sets --zoom, --pan-x and --pan-y for the style sheet.

const MAX = 16;
const STEP = 1.5;
const KEY_PAN = 40;

/** Fires `change`. */
export class Zoom extends EventTarget {
  #frame;
  #level = 1;
  #x = 0;
  #y = 0;
  #pointers = new Map();

  constructor(frame) {
    super();
    this.#frame = frame;
    frame.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    frame.addEventListener('pointerdown', (event) => this.#grab(event));
    frame.addEventListener('pointermove', (event) => this.#drag(event));
    for (const type of ['pointerup', 'pointercancel']) {
      frame.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
    frame.addEventListener('dblclick', (event) => this.#toggle(event));
    frame.addEventListener('keydown', (event) => this.#key(event));
  }

  get level() {
    return this.#level;
  }

  in() {
    this.#to(this.#level * STEP);
  }
  out() {
    this.#to(this.#level / STEP);
  }
  reset() {
    this.#to(1);
  }

  /** Zooms to `level` and keeps the point `x`, `y` (from the frame's centre) in
      place. */
  #to(level, x = 0, y = 0) {
    const next = Math.min(MAX, Math.max(1, level));
    const factor = next / this.#level;
    this.#level = next;
    this.#panTo(x + (this.#x - x) * factor, y + (this.#y - y) * factor);
  }

  #panTo(x, y) {
    const { width, height } = this.#cell();
    const limit = (offset, side) =>
      (Math.min(1, Math.max(-1, offset / (((this.#level - 1) * side) / 2 || 1))) * (this.#level - 1) * side) / 2;
    this.#x = limit(x, width);
    this.#y = limit(y, height);
    const { style, dataset } = this.#frame;
    style.setProperty('--zoom', this.#level);
    style.setProperty('--pan-x', `${this.#x}px`);
    style.setProperty('--pan-y', `${this.#y}px`);
    if (this.#level > 1) dataset.zoomed = '';
    else delete dataset.zoomed;
    this.dispatchEvent(new Event('change'));
  }

  /** The size of one image: side by side there are two in the frame. */
  #cell() {
    return (this.#frame.querySelector('.layer') ?? this.#frame).getBoundingClientRect();
  }

  #fromMiddle({ clientX, clientY }) {
    const layers = [...this.#frame.querySelectorAll('.layer')].map((layer) => layer.getBoundingClientRect());
    const under =
      layers.find(
        (box) => clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom,
      ) ?? this.#cell();
    return [clientX - under.left - under.width / 2, clientY - under.top - under.height / 2];
  }

  /** Without Ctrl the wheel scrolls the page, unless the content is already zoomed. */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey && this.#level === 1) return;
    event.preventDefault();
    this.#to(this.#level * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), ...this.#fromMiddle(event));
  }

  #grab(event) {
    if (event.button !== 0) return;
    this.#pointers.set(event.pointerId, event);
    const isPan = this.#level > 1 && !event.target.closest('[role=slider]');
    if (isPan || this.#pointers.size > 1) this.#frame.setPointerCapture(event.pointerId);
  }

  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.#pointers.values()].filter((pointer) => pointer.pointerId !== event.pointerId);
    this.#pointers.set(event.pointerId, event);
    if (others.length === 1) {
      const apart = (pointer) => Math.hypot(pointer.clientX - others[0].clientX, pointer.clientY - others[0].clientY);
      const middle = {
        clientX: (event.clientX + others[0].clientX) / 2,
        clientY: (event.clientY + others[0].clientY) / 2,
      };
      this.#to((this.#level * apart(event)) / Math.max(1, apart(before)), ...this.#fromMiddle(middle));
    } else if (this.#level > 1 && !before.target.closest('[role=slider]')) {
      this.#panTo(this.#x + event.clientX - before.clientX, this.#y + event.clientY - before.clientY);
    }
  }

  #toggle(event) {
    if (event.target.closest('[role=slider]')) return;
    this.#to(this.#level > 1 ? 1 : 4, ...this.#fromMiddle(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const isOnFrame = event.target === this.#frame;
    if (event.key === '+' || event.key === '=') this.in();
    else if (event.key === '-') this.out();
    else if (event.key === '0') this.reset();
    else if (direction && isOnFrame && this.#level > 1)
      this.#panTo(this.#x + direction[0] * KEY_PAN, this.#y + direction[1] * KEY_PAN);
    else return;
    event.preventDefault();
  }
}
