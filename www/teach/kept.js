// The training as this browser keeps it, and what the page says about that.

import { $ } from '../page/by-id.js';
import { show, text } from '../view/language.js';
import { openStore } from './store.js';

const KEEP_EVERY = 30_000;

export class Kept {
  /** @type {any} */
  #store = null;
  #at = 0;

  /** What the last visit has kept, `{ checkpoint, pairs, source, task, backend }`; null if there is no training. */
  async open() {
    const { store, why } = await openStore();
    this.#store = store;
    if (!store) {
      show($('kept'), () => text(why));
      return null;
    }
    const [checkpoint, pairs, source, task, backend] = await store.get(
      'checkpoint',
      'pairs',
      'source',
      'task',
      'backend',
    );
    return checkpoint && pairs ? { checkpoint, pairs, source, task, backend } : null;
  }

  /** Whether the time has come to put it again. */
  get isDue() {
    return performance.now() - this.#at > KEEP_EVERY;
  }

  /** The last checkpoint, if there is one. */
  async checkpoint() {
    const [checkpoint] = (await this.#store?.get('checkpoint')) ?? [];
    return checkpoint;
  }

  /** Stores the training while `isWanted`, and what comes with it. */
  async put(training, isWanted, fresh = {}) {
    if (!this.#store) return;
    this.#at = performance.now();
    try {
      const checkpoint = await training.checkpoint();
      if (!isWanted()) return;
      await this.#store.put({ checkpoint, backend: training.backend, ...fresh });
      this.say(checkpoint);
    } catch (error) {
      // What was kept before is still there.
      if (error.name !== 'QuotaExceededError') return;
      show($('kept'), () => text('Not kept: the browser’s storage is full. Save the model.'));
    }
  }

  say({ step }) {
    show($('kept'), () => text('Up to step {step}', { step }));
  }

  async clear() {
    await this.#store?.clear().catch(() => {});
    show($('kept'), '–');
  }
}
