// Runs the tiles of one image on several workers, each with its own session.
// Tiles and results are sent in messages, so the page needs no cross-origin
// isolation.

import { PortRpc } from './rpc.js';

const MAX_WORKERS = 8; // each holds a model and the activations of a tile

/** The number of workers for `tiles` tiles: at most one per core, or `most`. */
export function workersFor(tiles, most = navigator.hardwareConcurrency || 1) {
  return Math.min(tiles, most, MAX_WORKERS);
}

export class TilePool {
  #workers;
  /** @type {(reason: any) => void} */
  #giveUp = () => {};

  /** `ports`: one to each worker. */
  constructor(ports) {
    this.#workers = ports.map((port) => ({ rpc: new PortRpc(port), isFree: true }));
  }

  get size() {
    return this.#workers.length;
  }

  /** Calls `cut(index)` for the message about a tile, and answers with a
      function that promises a tile's values. Tiles are asked for in order, and
      no more than a few are done ahead, so that few are held at once. */
  run(count, cut, onDone) {
    /** @type {any[]} */
    const slots = Array.from({ length: count }, () => Promise.withResolvers?.() ?? withResolvers());
    for (const slot of slots) slot.promise.catch(() => {}); // the join reports it
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
    for (const { rpc } of this.#workers) rpc.end(reason);
    this.#workers = [];
    this.#giveUp(reason);
  }

  async #translate({ rpc }, index, cut) {
    const { payload, transfer } = cut(index);
    const { values } = await rpc.call('tile', payload, transfer);
    return values;
  }
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
