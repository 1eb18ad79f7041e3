// Input, output and target of a few examples, side by side; the output is renewed while
// the network learns.

import { element } from '../view/element.js';
import { text } from '../view/language.js';
import { errorOf, show } from './squares.js';

export class Examples {
  #host;
  #outputs = [];
  #targets = [];
  /** How far a pixel of the outputs is off on average, as a share of the way from black to white. */
  error = NaN;

  constructor(host) {
    this.#host = host;
  }

  /** Shows examples, `{ input, target }`, without outputs yet; `targets` have the outputs' size. */
  begin(examples, targets) {
    this.#outputs = [];
    this.#targets = targets;
    this.error = NaN;
    const rows = examples.map(({ input, target }, index) => {
      const number = index + 1;
      const output = cell(() => text('Example {number}: output', { number }));
      this.#outputs.push(output);
      const [left, right] = [
        cell(() => text('Example {number}: input', { number })),
        cell(() => text('Example {number}: target', { number })),
      ];
      show(input, left);
      show(target, right);
      output.width = output.height = input.width;
      return element('li', {}, left, output, right);
    });
    this.#host.replaceChildren(...rows);
  }

  /** ImageData for each example. */
  renew(images) {
    images.forEach((image, index) => this.#outputs[index] && show(image, this.#outputs[index]));
    const errors = images.map((image, index) => errorOf(image, this.#targets[index]));
    this.error = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  }
}

function cell(label) {
  return element('canvas', { role: 'img', 'aria-label': label });
}
