// Lets several workers share one picture, each with some of its rows: hands
// every worker the rows that it needs of the others. The worker that leads is
// one of them, the first. Knows nothing of models.

import { Line } from './worker-link.js';

export class StripTeam {
  #lines;
  #here = []; // who waits for rows, with those that they brought
  #reason = null;
  #isReady = false;

  /** `ports`: each leads to a worker besides the one that leads. */
  constructor(ports) {
    this.#lines = ports.map((port, index) => {
      const line = new Line(port, ({ exchange: { rows, isAll } }) => {
        this.exchange(index + 1, rows, isAll)
          .then((answer) => line.call('rows', { rows: answer }, isAll ? [] : [answer.buffer]))
          .catch(() => {}); // the strip of that worker fails, too
      });
      return line;
    });
    Promise.all(this.#lines.map((line) => line.call('ready'))).then(
      () => {
        this.#isReady = true;
      },
      () => {},
    );
  }

  /** Whether everyone has the model. */
  get isReady() {
    return this.#isReady;
  }

  get size() {
    return this.#lines.length + 1;
  }

  /** The part of a worker besides the one that leads. */
  async strip(index, payload, transfer) {
    const { rgba } = await this.#lines[index - 1].call('strip', payload, transfer);
    return rgba;
  }

  /** Waits for the rows of all workers, and gives a worker those that it needs: the last row above
      its own and the first below, or all. */
  exchange(index, rows, isAll) {
    return new Promise((resolve, reject) => {
      if (this.#reason) return reject(this.#reason);
      this.#here[index] = { rows, resolve, reject };
      if (Object.keys(this.#here).length < this.size) return;
      const brought = this.#here.map((worker) => worker.rows);
      const here = this.#here;
      this.#here = [];
      const whole = isAll && joined(brought);
      here.forEach((worker, at) => worker.resolve(whole || neighbours(brought, at)));
    });
  }

  end(reason) {
    this.#reason = reason;
    for (const line of this.#lines) line.end(reason);
    for (const worker of this.#here) worker?.reject(reason);
    this.#here = [];
  }
}

function joined(parts) {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Everyone brought a first and a last row. */
function neighbours(parts, index) {
  const length = parts[index].length / 2;
  const rows = new Float32Array(2 * length);
  if (index > 0) rows.set(parts[index - 1].subarray(length), 0);
  if (index + 1 < parts.length) rows.set(parts[index + 1].subarray(0, length), length);
  return rows;
}
