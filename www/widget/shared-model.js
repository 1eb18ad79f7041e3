// Widgets on one page that show the same model share it and its worker. The
// worker ends when the last of them releases it.

import { Pix2Pix } from '../runtime/pix2pix.js';

const shared = new Map(); // address and backend → { promise, users, listeners }

/** The model at `url`: its promise, and a function that releases it. */
export function borrowModel(url, { backend, onProgress }) {
  const key = `${backend} ${url}`;
  const model = shared.get(key) ?? begin(key, url, backend);
  model.users++;
  model.listeners.add(onProgress);
  let isHeld = true;
  const release = () => {
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
  return { promise: model.promise, release };
}

function begin(key, url, backend) {
  const listeners = new Set();
  const ending = new AbortController();
  const onProgress = (progress) => listeners.forEach((listener) => listener(progress));
  const promise = Pix2Pix.create(url, { backend, onProgress, signal: ending.signal });
  const model = { promise, ending, listeners, users: 0 };
  shared.set(key, model);
  // After a failure the next widget tries again.
  promise.catch(() => {
    if (shared.get(key) === model) shared.delete(key);
  });
  return model;
}
