// Several workers share one image, each with a strip of its rows. Between layers
// each gets the rows that it needs from the others. The leading worker is the
// first of them.

import { PortRpc } from './rpc.js';

export class StripTeam {
  #workers;
  #waiting = []; // workers that wait for rows, with the rows that they sent
  #reason = null;
  #isReady = false;

  /** `ports`: one to each worker except the leading one. */
  constructor(ports) {
    this.#workers = ports.map((port, index) => {
      const rpc = new PortRpc(port, ({ exchange: { rows, isAll } }) => {
        this.exchange(index + 1, rows, isAll)
          .then((answer) => rpc.call('rows', { rows: answer }, isAll ? [] : [answer.buffer]))
          .catch(() => {}); // the strip of that worker fails as well
      });
      return rpc;
    });
    Promise.all(this.#workers.map((rpc) => rpc.call('ready'))).then(
      () => {
        this.#isReady = true;
      },
      () => {},
    );
  }

  /** Whether all workers have loaded the model. */
  get isReady() {
    return this.#isReady;
  }

  get size() {
    return this.#workers.length + 1;
  }

  /** Translates the strip of a worker other than the leading one. */
  async strip(index, payload, transfer) {
    const { rgba } = await this.#workers[index - 1].call('strip', payload, transfer);
    return rgba;
  }

  /** Waits for the rows of all workers, then gives this worker the last rows above its strip and
      the first rows below, or all rows. */
  exchange(index, rows, isAll) {
    return new Promise((resolve, reject) => {
      if (this.#reason) return reject(this.#reason);
      this.#waiting[index] = { rows, resolve, reject };
      if (Object.keys(this.#waiting).length < this.size) return;
      const brought = this.#waiting.map((worker) => worker.rows);
      const waiting = this.#waiting;
      this.#waiting = [];
      const whole = isAll && joined(brought);
      waiting.forEach((worker, at) => worker.resolve(whole || neighbours(brought, at)));
    });
  }

  end(reason) {
    this.#reason = reason;
    for (const rpc of this.#workers) rpc.end(reason);
    for (const worker of this.#waiting) worker?.reject(reason);
    this.#waiting = [];
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

/** Each part is the first and the last rows of a strip. */
function neighbours(parts, index) {
  const length = parts[index].length / 2;
  const rows = new Float32Array(2 * length);
  if (index > 0) rows.set(parts[index - 1].subarray(length), 0);
  if (index + 1 < parts.length) rows.set(parts[index + 1].subarray(0, length), length);
  return rows;
}
