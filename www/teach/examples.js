// Input, output and target of a few examples, side by side; the output is renewed while
// the network learns.

import { element } from '../view/element.js';
import { show } from './squares.js';

export class Examples {
  #host;
  #outputs = [];

  constructor(host) {
    this.#host = host;
  }

  /** Shows examples, `{ input, target }`, without outputs yet. */
  begin(examples) {
    this.#outputs = [];
    const rows = examples.map(({ input, target }, index) => {
      const name = `Example ${index + 1}`;
      const output = cell(`${name}: output`);
      this.#outputs.push(output);
      const [left, right] = [cell(`${name}: input`), cell(`${name}: target`)];
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
  }
}

function cell(label) {
  return element('canvas', { role: 'img', 'aria-label': label });
}
