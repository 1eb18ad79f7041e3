// One worker and the calls that wait for its answers. Knows nothing of models.

import { Pix2PixError } from './errors.js';

export class WorkerLink {
  #worker;
  #waiting = new Map();
  #lastId = 0;
  #onNote;

  /** `onNote` gets the messages that answer no call (progress). */
  constructor(url, onNote) {
    this.#onNote = onNote;
    this.#worker = new Worker(url, { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      // Without a message the script itself did not arrive.
      this.end(event.message
        ? new Pix2PixError('internal', `The worker stopped: ${event.message}`)
        : new Pix2PixError('fetch', `${url} could not be loaded. Check the connection and try again.`));
    };
    this.#worker.onmessageerror = () => {
      this.end(new Pix2PixError('internal', 'An answer of the worker could not be read.'));
    };
  }

  get ended() {
    return this.#worker === null;
  }

  call(kind, payload, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, kind, ...payload }, transfer);
    });
  }

  /** Ends the worker at once; every waiting call fails with `reason`. */
  end(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #receive({ id, error, ...answer }) {
    if (id === undefined) return this.#onNote?.(answer);
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) call?.reject(new Pix2PixError(error.code, error.message));
    else call?.resolve(answer);
  }
}
