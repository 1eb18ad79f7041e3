// What survives a reload: the pairs, the settings and the last checkpoint of the one
// training of this browser, in IndexedDB.

import { phrase } from '../runtime/phrase.js';

const DATABASE = 'pix2pix-teach';
const STORE = 'run';

/** Opens the store; null where the browser forbids it, or another tab is at it. */
export async function openStore() {
  const isMine = await holdLock();
  if (!isMine) return { store: null, why: phrase('Another tab is teaching as well: only that one survives a reload.') };
  try {
    return { store: new Store(await openDatabase()), why: '' };
  } catch {
    return {
      store: null,
      why: phrase('This browser stores nothing for this page: a reload loses the training. Save the model.'),
    };
  }
}

/** One tab at a time; the lock is let go with the tab. */
function holdLock() {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(DATABASE, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise(() => {}) : undefined;
      })
      .catch(() => resolve(true));
  });
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

class Store {
  #database;

  constructor(database) {
    this.#database = database;
  }

  /** What was put under these names; undefined where nothing was. */
  async get(...names) {
    const store = this.#database.transaction(STORE).objectStore(STORE);
    return Promise.all(names.map((name) => done(store.get(name))));
  }

  /** All entries at once, or none. */
  async put(entries) {
    const transaction = this.#database.transaction(STORE, 'readwrite');
    for (const [name, value] of Object.entries(entries)) transaction.objectStore(STORE).put(value, name);
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }

  async clear() {
    await done(this.#database.transaction(STORE, 'readwrite').objectStore(STORE).clear());
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
