// The public class: one model in one worker, one job at a time. The worker
// knows what the model is made of.

import { abortedError, Pix2PixError } from './errors.js';
import { fill, phrase } from './phrase.js';
import { workersFor } from './tile-pool.js';
import { WorkerRpc } from './rpc.js';
import { asMessage } from './source.js';

export { Pix2PixError };

// Sides of smaller tiles, tried in this order when memory runs out.
const SMALLER_TILES = [0, 512, 256];

const LARGEST_TILE = 4096;

// Large enough to compile all shaders that a usual image needs.
const WARM_SIDE = 256;

// How the kernels of a graphics device are chosen: measured, not, or one for all.
export const TUNINGS = ['on', 'off', 'split', 'tiled-64', 'tiled-32', 'grouped'];

// After these errors the worker's memory cannot be trusted: the next call
// starts a new worker.
const FATAL = new Set(['internal', 'device-lost', 'out-of-memory']);

// The downloads of the last model and its runtime: a restart or another backend
// downloads nothing twice. { manifestUrl, manifestJson, weights: Blob,
// modules: { [build]: WebAssembly.Module } }
/** @type {any} */
let lastDownload = null;
let locals = 0;

// Models that arrived damaged: the browser's cache may hold the damaged bytes.
const distrusted = new Set();

/** An address relative to the page's. */
export function resolve(address) {
  try {
    return new URL(address, document.baseURI).href;
  } catch (cause) {
    throw new Pix2PixError('fetch', '“{address}” is no address of a manifest.json. Check how it is written.', {
      values: { address },
      cause,
    });
  }
}

export class Pix2Pix {
  #manifestUrl;
  #local; // { manifest, weights } of a model from disk
  #wanted;
  #workers; // how many may share an image
  /** @type {import('../pix2pix.js').Phrase | null} */
  #fallbackReason = null; // why the backend is not the wanted one
  #onProgress;
  /** @type {import('../pix2pix.js').RunOptions['onRows']} */
  #onRows; // of the image that is translated now
  /** @type {any} */
  #worker = null;
  #engine;
  #tune;
  #kernels = [];
  #helpers = []; // workers for parts of images
  /** @type {any} */
  #facts = null;
  #queue = Promise.resolve();
  #disposed = false;

  /** @param {any} source @param {import('../pix2pix.js').CreateOptions} [options] */
  static async create(source, { backend = 'auto', engine, workers, tune, signal, onProgress } = {}) {
    if (!['auto', 'webgpu', 'cpu'].includes(backend)) {
      throw new Pix2PixError('internal', `There is no backend "${backend}": use auto, webgpu or cpu.`);
    }
    if (engine !== undefined && engine !== 'burn') {
      throw new Pix2PixError('internal', `There is no engine "${engine}": use burn, or leave it out.`);
    }
    if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1)) {
      throw new Pix2PixError('internal', `The number of workers is ${workers}: pass a whole number from 1.`);
    }
    if (tune !== undefined && !TUNINGS.includes(tune)) {
      throw new Pix2PixError('internal', `There is no way to tune "${tune}": use ${TUNINGS.join(', ')}.`);
    }
    const isLocal = typeof source?.manifest === 'string' && source.weights instanceof Blob;
    const model = new Pix2Pix(isLocal ? source : resolve(source), backend, {
      engine,
      workers,
      tune,
      onProgress,
    });
    await model.#enqueue(() => model.#start(), signal, phrase('Loading the model'));
    return model;
  }

  /** Use `Pix2Pix.create`. */
  constructor(source, wanted, { engine, workers, tune, onProgress }) {
    this.#local = typeof source === 'string' ? null : source;
    // A model from disk gets an address as well, so that a restart recognises it.
    this.#manifestUrl = this.#local ? `local:${++locals}` : source;
    this.#wanted = wanted;
    this.#engine = engine;
    this.#workers = workers;
    this.#tune = tune;
    this.#onProgress = onProgress;
  }

  get backend() {
    return this.#facts.backend;
  }
  get engine() {
    return this.#engine;
  }
  get backendReason() {
    return fill(this.reason.template, this.reason.values);
  }
  get reason() {
    return this.#fallbackReason ?? this.#facts.reason;
  }
  get adapter() {
    return this.#facts.adapter;
  }
  get isSoftware() {
    return this.#facts.isSoftware;
  }
  get kernels() {
    return this.#kernels;
  }
  get manifest() {
    return this.#facts.manifest;
  }

  /** Prepares the first run in advance; on a GPU this compiles the shaders. */
  async warmUp() {
    const multiple = this.manifest.input?.multiple_of || WARM_SIDE;
    const side = Math.ceil(WARM_SIDE / multiple) * multiple;
    this.#onProgress?.({ phase: 'warming', loaded: 0, total: null });
    await this.run(new ImageData(side, side));
  }

  /** @param {any} source @param {import('../pix2pix.js').RunOptions} [options] */
  async run(source, { signal, tile = 0, onRows } = {}) {
    checkTile(tile);
    const { rgba, width, height, kernels } = await this.#persist(async (smaller) => {
      const { payload, transfer } = await asMessage(source);
      const side = smaller && tile ? Math.min(smaller, tile) : smaller || tile;
      this.#onRows = onRows;
      const workers = workersFor(Infinity, this.#workers);
      return this.#worker.call('run', { ...payload, side, workers, showsRows: Boolean(onRows) }, transfer);
    }, signal);
    this.#kernels = kernels;
    return new ImageData(new Uint8ClampedArray(rgba), width, height);
  }

  /** @param {Float32Array} values @param {Partial<import('../pix2pix.js').TensorShape>} [shape]
      @param {{ signal?: AbortSignal }} [options] */
  async runTensor(values, { batch = 1, channels, height, width } = {}, { signal } = {}) {
    const shape = { batch, channels, height, width };
    checkTensor(values, shape);
    const own = values.slice();
    const answer = await this.#persist(() => {
      const copy = own.slice().buffer;
      return this.#worker.call('runTensor', { values: copy, shape }, [copy]);
    }, signal);
    this.#kernels = answer.kernels;
    return new Float32Array(answer.values);
  }

  /** Repeats a job where that may help: once after the device was lost, then on
      the CPU; with smaller tiles when memory runs out. */
  async #persist(job, signal) {
    let losses = 0;
    let tiles = 0;
    for (;;) {
      try {
        return await this.#enqueue(
          async () => {
            await this.#start();
            return job(SMALLER_TILES[tiles]);
          },
          signal,
          phrase('The translation'),
        );
      } catch (error) {
        if (error.code === 'device-lost' && losses < 2) {
          if (++losses === 2) this.#goToCpu();
        } else if (error.code === 'out-of-memory' && ++tiles < SMALLER_TILES.length) {
          continue;
        } else if (error.code === 'out-of-memory') {
          throw new Pix2PixError(
            'out-of-memory',
            'There is not enough memory for this picture, not even in small parts. Close other tabs, or take a smaller picture.',
            { cause: error },
          );
        } else throw error;
      }
    }
  }

  #goToCpu() {
    this.#wanted = 'cpu';
    const template = phrase('The browser took the graphics device away twice. The CPU does the work.');
    this.#fallbackReason = { template, values: {} };
  }

  dispose() {
    this.#disposed = true;
    this.#end(abortedError('The model was disposed of; the job'));
  }

  /** Runs `job` after the earlier jobs. An abort ends the worker: nothing else
      stops a computation in WebAssembly. */
  #enqueue(job, signal, what) {
    const turn = this.#queue.then(async () => {
      if (signal?.aborted || this.#disposed) throw abortedError(what);
      const onAbort = () => this.#end(abortedError(what));
      signal?.addEventListener('abort', onAbort);
      try {
        return await job();
      } catch (thrown) {
        const error = Pix2PixError.from(thrown);
        if (error.code === 'integrity') distrusted.add(this.#manifestUrl);
        if (FATAL.has(error.code)) this.#end(error);
        throw error;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Starts the worker with the model, unless one is running. */
  async #start() {
    if (this.#worker && !this.#worker.ended) return;
    const url = new URL('./worker.js', import.meta.url);
    this.#worker = new WorkerRpc(url, ({ progress, wanted, finished }) => {
      if (finished) this.#onRows?.(finished.rgba, finished.width, finished.top);
      else if (wanted) this.#help(url, wanted);
      else if (wanted === null) this.#endHelpers();
      else this.#onProgress?.(progress);
    });
    try {
      const known = lastDownload?.manifestUrl === this.#manifestUrl ? lastDownload : null;
      const { download, ...facts } = await this.#worker.call('start', {
        manifestUrl: this.#manifestUrl,
        local: this.#local,
        backend: this.#wanted,
        engine: this.#engine,
        tune: this.#tune,
        known,
        modules: lastDownload?.modules ?? {},
        cache: distrusted.has(this.#manifestUrl) ? 'reload' : 'default',
      });
      lastDownload = { ...download, modules: { ...lastDownload?.modules, ...download.modules } };
      distrusted.delete(this.#manifestUrl);
      this.#facts = { ...facts, manifest: JSON.parse(facts.manifestJson) };
    } catch (error) {
      // Half a session is of no use, and a fresh worker retries its imports.
      this.#end(error);
      throw error;
    }
  }

  /** Starts workers that the model's worker reaches through `ports`. */
  #help(url, { begin, ports }) {
    for (const port of ports) {
      const helper = new WorkerRpc(url);
      this.#helpers.push(helper);
      // This call never returns, but it may fail, as without a network: then the model's worker goes on alone.
      helper.call('serve', { port, ...begin }, [port]).catch(() => {
        if (!this.#helpers.includes(helper)) return;
        this.#endHelpers();
        this.#worker?.call('goOnAlone').catch(() => {});
      });
    }
  }

  #endHelpers() {
    const helpers = this.#helpers;
    this.#helpers = [];
    for (const helper of helpers) helper.end(new Error('No helpers are wanted.'));
  }

  #end(reason) {
    this.#endHelpers();
    this.#worker?.end(reason);
    this.#worker = null;
  }
}

function checkTile(tile) {
  if (Number.isInteger(tile) && tile >= 0 && tile <= LARGEST_TILE) return;
  throw new Pix2PixError(
    'input-size',
    `The side of tiles is ${tile}: pass a whole number of pixels, at most ${LARGEST_TILE}.`,
  );
}

/** Checks the types; the session checks whether the shape fits the model. */
function checkTensor(values, shape) {
  if (!(values instanceof Float32Array)) {
    throw new Pix2PixError('input-size', 'There is no tensor to translate: pass a Float32Array.');
  }
  for (const [name, side] of Object.entries(shape)) {
    if (!Number.isInteger(side) || side < 1 || side > 0xffffffff) {
      throw new Pix2PixError('input-size', `The tensor's ${name} is ${side}: pass a positive whole number.`);
    }
  }
}
