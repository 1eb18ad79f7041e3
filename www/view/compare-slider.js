// The divider between two images on top of each other. Sets --split for the
// style sheet.

import { label, text } from './language.js';

const STEP = 2;
const LEAP = 10;

export class CompareSlider {
  #frame;
  #handle;
  #value = 50;
  #animation = 0;
  #isHeld = false;

  constructor(frame, handle) {
    this.#frame = frame;
    this.#handle = handle;
    frame.addEventListener('pointerdown', (event) => this.#grab(event));
    frame.addEventListener('pointermove', (event) => this.#drag(event));
    for (const type of ['pointerup', 'pointercancel']) {
      frame.addEventListener(type, () => {
        this.#isHeld = false;
      });
    }
    handle.addEventListener('keydown', (event) => this.#key(event));
  }

  /** The share of the width, in per cent, that shows the input. */
  get value() {
    return this.#value;
  }

  set value(percent) {
    this.#value = Math.min(100, Math.max(0, percent));
    const rounded = Math.round(this.#value);
    this.#frame.style.setProperty('--split', `${this.#value}%`);
    this.#frame.dataset.side = rounded < 12 ? 'after' : rounded > 88 ? 'before' : 'both';
    this.#handle.setAttribute('aria-valuenow', rounded);
    const parts = { before: rounded, after: 100 - rounded };
    label(this.#handle, 'aria-valuetext', () => text('{before} % before, {after} % after', parts));
  }

  /** Reveals the result from the right, unless the visitor prefers no motion. */
  reveal() {
    cancelAnimationFrame(this.#animation);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.value = 50;
      return;
    }
    const begun = performance.now();
    const frame = (now) => {
      const share = Math.min(1, Math.max(0, (now - begun) / 900));
      this.value = 100 - 50 * (1 - (1 - share) ** 3);
      if (share < 1) this.#animation = requestAnimationFrame(frame);
    };
    this.value = 100;
    this.#animation = requestAnimationFrame(frame);
  }

  get #active() {
    return !this.#handle.hidden;
  }

  #grab(event) {
    if (!this.#active || event.button !== 0) return;
    // When zoomed in, a drag pans, except on the handle itself.
    if ('zoomed' in this.#frame.dataset && event.target !== this.#handle) return;
    this.#isHeld = true;
    this.#frame.setPointerCapture(event.pointerId);
    this.#handle.focus({ preventScroll: true });
    // A touch may become a scroll: only a drag moves the divider.
    if (event.pointerType !== 'touch') this.#moveTo(event.clientX);
    event.preventDefault();
  }

  #drag(event) {
    if (this.#active && this.#isHeld && this.#frame.hasPointerCapture(event.pointerId)) this.#moveTo(event.clientX);
  }

  #moveTo(x) {
    cancelAnimationFrame(this.#animation);
    const { left, width } = this.#frame.getBoundingClientRect();
    this.value = ((x - left) / width) * 100;
  }

  #key(event) {
    const to = {
      ArrowLeft: this.#value - STEP,
      ArrowDown: this.#value - STEP,
      ArrowRight: this.#value + STEP,
      ArrowUp: this.#value + STEP,
      PageDown: this.#value - LEAP,
      PageUp: this.#value + LEAP,
      Home: 0,
      End: 100,
    }[event.key];
    if (to === undefined) return;
    cancelAnimationFrame(this.#animation);
    event.preventDefault();
    this.value = to;
  }
}
