// Several widgets on one page that show the same model share it, and its
// worker, which ends when the last of them lets go.

import { Pix2Pix } from '../runtime/pix2pix.js';

const shared = new Map(); // address and backend → { promise, users, listeners }

/** A share of the model at `url`: its promise, and how to let go of it. */
export function borrowModel(url, { backend, onProgress }) {
  const key = `${backend} ${url}`;
  const model = shared.get(key) ?? begin(key, url, backend);
  model.users++;
  model.listeners.add(onProgress);
  let isHeld = true;
  const letGo = () => {
    if (!isHeld) return;
    isHeld = false;
    model.users--;
    model.listeners.delete(onProgress);
    if (model.users > 0) return;
    if (shared.get(key) === model) shared.delete(key);
    model.ending.abort();
    model.promise.then(
      (session) => session.dispose(),
      () => {},
    );
  };
  return { promise: model.promise, letGo };
}

function begin(key, url, backend) {
  const listeners = new Set();
  const ending = new AbortController();
  const onProgress = (progress) => listeners.forEach((listener) => listener(progress));
  const promise = Pix2Pix.create(url, { backend, onProgress, signal: ending.signal });
  const model = { promise, ending, listeners, users: 0 };
  shared.set(key, model);
  // One that did not come is asked for anew by whoever asks next.
  promise.catch(() => {
    if (shared.get(key) === model) shared.delete(key);
  });
  return model;
}
