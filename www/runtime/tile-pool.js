// Runs the tiles of one picture on several workers at once, each with a
// session of its own, so that every core has work. Without cross-origin
// isolation: nothing is shared, tiles and results are handed over.

import { Line } from './worker-link.js';

const MOST = 8; // each holds a model and a tile's activations

/** How many workers do so many tiles, unless somebody says how many may: as many as cores. */
export function workersFor(tiles, most = navigator.hardwareConcurrency || 1) {
  return Math.min(tiles, most, MOST);
}

export class TilePool {
  #workers;
  /** @type {(reason: any) => void} */
  #giveUp = () => {};

  /** `ports`: each leads to a worker that does tiles. */
  constructor(ports) {
    this.#workers = ports.map((port) => ({ line: new Line(port), isFree: true }));
  }

  get size() {
    return this.#workers.length;
  }

  /** Calls `cut(index)` for the message about a tile, and answers with a
      function that promises a tile's values. Tiles are asked for in order, and
      no more than a few are done ahead, so that few are held at once. */
  run(count, cut, onDone) {
    const slots = Array.from({ length: count }, () => Promise.withResolvers?.() ?? withResolvers());
    for (const slot of slots) slot.promise.catch(() => {}); // whoever joins reports it
    this.#giveUp = (reason) => slots.forEach((slot) => slot?.reject(reason));
    let next = 0;
    let joined = -1;
    let done = 0;
    const feed = () => {
      for (const worker of this.#workers) {
        if (!worker.isFree || next >= count || next > joined + this.size + 1) continue;
        worker.isFree = false;
        const index = next++;
        this.#translate(worker, index, cut)
          .then((values) => {
            slots[index].resolve(values);
            onDone(++done, count);
          }, slots[index].reject)
          .finally(() => {
            worker.isFree = true;
            feed();
          });
      }
    };
    return async (index) => {
      joined = index;
      feed();
      try {
        return await slots[index].promise;
      } finally {
        slots[index] = null;
      }
    };
  }

  end(reason) {
    for (const { line } of this.#workers) line.end(reason);
    this.#workers = [];
    this.#giveUp(reason);
  }

  async #translate({ line }, index, cut) {
    const { payload, transfer } = cut(index);
    const { values } = await line.call('tile', payload, transfer);
    return values;
  }
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
