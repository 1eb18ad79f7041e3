// Remote calls to a worker or through a port, and the answers there.

import { Pix2PixError } from './errors.js';

/** Sends calls through a port and waits for the answers. */
export class PortRpc {
  #port;
  #waiting = new Map();
  #lastId = 0;
  #onNote;

  /** `onNote` gets messages that answer no call, such as progress.
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

  /** Rejects every waiting call with `reason`. */
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
    if (error) call?.reject(Pix2PixError.from(error));
    else call?.resolve(answer);
  }
}

/** Answers a call of `asker`: what the handler of its kind gives, with a list of what to `transfer`, or the error.
    @param {any} call @param {any} handlers @param {any} asker
    @param {(thrown: any) => Parameters<typeof plain>[0]} [errorOf] */
export async function answer({ id, kind, ...payload }, handlers, asker, errorOf = Pix2PixError.from) {
  try {
    const { transfer = [], ...answer } = (await handlers[kind](payload, asker)) ?? {};
    asker.postMessage({ id, ...answer }, transfer);
  } catch (thrown) {
    asker.postMessage({ id, error: plain(errorOf(thrown)) });
  }
}

/** What of an error crosses to another thread.
    @param {{ code: string, message: string, template?: string, values?: object }} error */
export function plain({ code, message, template, values }) {
  return { code, message, template, values };
}

/** Starts a worker and sends calls to it. */
export class WorkerRpc extends PortRpc {
  #worker;

  /** `onDeath` gets the error of a worker that stopped by itself.
      @param {any} url @param {(note: any) => void} [onNote] @param {(error: Pix2PixError) => void} [onDeath] */
  constructor(url, onNote, onDeath = () => {}) {
    const worker = new Worker(addressFor(url), { type: 'module' });
    super(worker, onNote);
    this.#worker = worker;
    const die = (error) => {
      this.end(error);
      onDeath(error);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      // No message: the script itself did not load.
      die(
        event.message
          ? new Pix2PixError('internal', 'The worker stopped: {why}', { values: { why: event.message } })
          : new Pix2PixError('fetch', '{url} could not be loaded. Check the connection and try again.', {
              values: { url: String(url) },
            }),
      );
    };
    worker.onmessageerror = () => die(new Pix2PixError('internal', 'An answer of the worker could not be read.'));
  }

  /** Also ends the worker at once. */
  end(reason) {
    this.#worker.terminate();
    super.end(reason);
  }
}

// A worker inherits the page's Content-Security-Policy only if its script is a blob. A worker loaded from a URL has
// the policy of that response, and static hosts send none. The page has to allow blobs for this.
const MAY_BE_BLOB = globalThis.document
  ?.querySelector('meta[http-equiv="Content-Security-Policy" i]')
  ?.getAttribute('content')
  ?.match(/worker-src [^;]*/)?.[0]
  .includes('blob:');
const blobs = new Map(); // kept: a worker reads its address some time later

/** The URL to start a worker with: a blob that imports `url`, where the page allows blobs. */
function addressFor(url) {
  if (!MAY_BE_BLOB) return url;
  const script = `import ${JSON.stringify(String(url))};`;
  if (!blobs.has(script)) blobs.set(script, URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  return blobs.get(script);
}
