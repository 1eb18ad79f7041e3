// The one model in use on the page, loaded when it is first needed.

import { Pix2Pix, Pix2PixError } from '../runtime/pix2pix.js';

/** Fires `change` when a model is loaded, dropped or starts to load. */
export class ModelSlot extends EventTarget {
  /** @type {'auto' | 'webgpu' | 'cpu'} */
  backend = 'auto';

  /** @type {any} How the kernels of a graphics device are chosen. */
  tune;

  /** @type {'burn' | null} In place of our own shaders and kernels. */
  engine = null;

  /** @type {any} */
  #entry = null;
  /** @type {Promise<Pix2Pix> | null} */
  #promise = null;
  #isLoaded = false;
  /** @type {AbortController | null} */
  #loading = null;
  #onProgress;

  constructor(onProgress) {
    super();
    this.#onProgress = onProgress;
  }

  /** An entry of the list of models: { url or files, … }. */
  get entry() {
    return this.#entry;
  }
  get isEmpty() {
    return this.#promise === null;
  }
  get isLoaded() {
    return this.#isLoaded;
  }

  /** Replaces the model, or its backend. */
  put(entry, backend = this.backend) {
    this.drop();
    this.#entry = entry;
    this.backend = backend;
  }

  /** Promise<Pix2Pix>, loaded on the first call. */
  ensure() {
    if (this.#promise) return this.#promise;
    if (!this.#entry) return Promise.reject(new Pix2PixError('manifest', 'There is no model to load on this site.'));
    this.#loading = new AbortController();
    const mine = Pix2Pix.create(this.#entry.files ?? this.#entry.url, {
      backend: this.backend,
      engine: this.engine ?? undefined,
      tune: this.tune,
      signal: this.#loading.signal,
      onProgress: this.#onProgress,
    });
    this.#promise = mine;
    this.#changed();
    mine.then(
      (session) => {
        if (this.#promise !== mine) return session.dispose();
        this.#isLoaded = true;
        this.#changed();
      },
      () => {
        if (this.#promise !== mine) return;
        this.#promise = null;
        this.#changed();
      },
    );
    return mine;
  }

  cancelLoading() {
    if (!this.#isLoaded) this.#loading?.abort();
  }

  drop() {
    this.#loading?.abort();
    this.#promise?.then(
      (session) => session.dispose(),
      () => {},
    );
    this.#promise = null;
    this.#isLoaded = false;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
