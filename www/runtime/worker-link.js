// Calls to a worker, or through a port, and who waits for the answers. Knows
// nothing of models.

import { Pix2PixError } from './errors.js';

/** Calls through a port. */
export class Line {
  #port;
  #waiting = new Map();
  #lastId = 0;
  #onNote;

  /** `onNote` gets the messages that answer no call (progress).
      @param {any} port @param {(note: any) => void} [onNote] */
  constructor(port, onNote = () => {}) {
    this.#port = port;
    this.#onNote = onNote;
    port.onmessage = ({ data }) => this.#receive(data);
  }

  get ended() {
    return this.#port === null;
  }

  call(kind, payload, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage({ id, kind, ...payload }, transfer);
    });
  }

  /** Every waiting call fails with `reason`. */
  end(reason) {
    this.#port?.close?.();
    this.#port = null;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #receive({ id, error, ...answer }) {
    if (this.ended) return;
    if (id === undefined) return this.#onNote(answer);
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) call?.reject(new Pix2PixError(error.code, error.message));
    else call?.resolve(answer);
  }
}

/** Calls to a worker of its own. */
export class WorkerLink extends Line {
  #worker;

  constructor(url, onNote) {
    const worker = new Worker(addressFor(url), { type: 'module' });
    super(worker, onNote);
    this.#worker = worker;
    worker.onerror = (event) => {
      event.preventDefault();
      // Without a message the script itself did not arrive.
      this.end(
        event.message
          ? new Pix2PixError('internal', `The worker stopped: ${event.message}`)
          : new Pix2PixError('fetch', `${url} could not be loaded. Check the connection and try again.`),
      );
    };
    worker.onmessageerror = () => {
      this.end(new Pix2PixError('internal', 'An answer of the worker could not be read.'));
    };
  }

  /** Ends the worker at once, too. */
  end(reason) {
    this.#worker.terminate();
    super.end(reason);
  }
}

// A worker keeps to the policy of its page only where its script is a blob; one that is loaded by its address
// keeps to that of the answer, which a static host does not send. So the page has to allow blobs.
const MAY_BE_BLOB = globalThis.document
  ?.querySelector('meta[http-equiv="Content-Security-Policy" i]')
  ?.getAttribute('content')
  ?.match(/worker-src [^;]*/)?.[0]
  .includes('blob:');
const blobs = new Map(); // kept: a worker reads its address some time later

/** The address of the script at `url`, bound by the policy of a page that allows it. */
function addressFor(url) {
  if (!MAY_BE_BLOB) return url;
  const script = `import ${JSON.stringify(String(url))};`;
  if (!blobs.has(script)) blobs.set(script, URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  return blobs.get(script);
}
