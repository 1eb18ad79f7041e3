// How far a training is, how fast it goes, and what its losses say.

import { $ } from '../page/by-id.js';
import * as format from '../view/format.js';
import { number, show, text } from '../view/language.js';
import { drawCurves, reading } from './losses.js';

const SHOW_EVERY = 250;
/** Speed is measured over so many milliseconds. */
const WINDOW = 4000;

export class Progress {
  #times = []; // of the last steps
  #shownAt = 0;

  /** Speed is measured from now on. */
  begin() {
    this.#times = [];
  }

  /** A step is made; true if it is time to show that. */
  step() {
    const now = performance.now();
    this.#times.push(now);
    // Two at least, however long a step takes.
    this.#times = this.#times.filter((time, at) => now - time < WINDOW || at >= this.#times.length - 2);
    return now - this.#shownAt > SHOW_EVERY;
  }

  /** `unseen` is the error of pairs that it does not learn from (losses.js). */
  show({ stepsMade, steps, losses, memory, backend }, unseen) {
    this.#shownAt = performance.now();
    $('progress').value = stepsMade / steps;
    show($('step'), () => text('{part} of {total}', { part: stepsMade, total: steps }));
    const speed = this.#speed;
    const words = () => {
      const values = { speed: number(speed, speed < 10 ? 1 : 0) };
      return backend === 'webgpu'
        ? text('{speed} steps a second, on the graphics device', values)
        : text('{speed} steps a second', values);
    };
    show($('speed'), speed ? words : '–');
    show($('left'), speed ? () => timeLeft((steps - stepsMade) / speed) : '–');
    show($('memory'), memory ? () => format.bytes(memory) : '–');
    drawCurves($('curves'), losses);
    const sentence = reading(losses, unseen);
    if (sentence && $('reading').textContent !== sentence()) show($('reading'), sentence);
  }

  /** Steps a second; 0 before there are two. */
  get #speed() {
    const count = this.#times.length;
    return count > 1 ? ((count - 1) / (this.#times[count - 1] - this.#times[0])) * 1000 : 0;
  }
}

function timeLeft(seconds) {
  if (seconds < 90) return text('{count} seconds', { count: Math.ceil(seconds) });
  if (seconds < 5400) return text('{count} minutes', { count: Math.round(seconds / 60) });
  return text('{hours} hours', { hours: number(seconds / 3600, 1) });
}
