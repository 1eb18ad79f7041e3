// Stores the page for use without a network. The network comes first: nobody
// sees an old page while a new one is available. runtime/weights-store.js stores
// weights.

const STORE = 'pix2pix-page-1';

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));

/** The page sends what it loaded before this worker was active. */
worker.addEventListener('message', (event) => {
  event.waitUntil(remember(event.data.urls).then(() => event.ports[0]?.postMessage('kept')));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && isKept(new URL(request.url)) && !request.headers.has('Range')) {
    event.respondWith(answer(event));
  }
});

async function answer(event) {
  const { request } = event;
  const store = await caches.open(STORE);
  try {
    const response = await fetch(request);
    if (response.status === 200) event.waitUntil(store.put(keyOf(request.url), response.clone()).catch(() => {}));
    return response;
  } catch (error) {
    const kept = await store.match(keyOf(request.url));
    if (kept) return kept;
    throw error;
  }
}

async function remember(urls) {
  const store = await caches.open(STORE);
  const wanted = urls.map((url) => new URL(url)).filter(isKept);
  await Promise.all(
    wanted.map(async (url) => {
      // Also what is kept already: files of two builds do not fit together.
      const response = await fetch(url, { cache: 'no-cache' }).catch(() => null);
      if (response?.status === 200) await store.put(keyOf(url), response).catch(() => {});
    }),
  );
}

/** Everything in the page's folder except weights. */
function isKept(url) {
  if (!url.href.startsWith(new URL('./', location.href).href)) return false;
  return !url.pathname.includes('/models/') || /\.(json|png|jpe?g|webp|avif|svg|md)$/.test(url.pathname);
}

/** The address without its settings. */
function keyOf(url) {
  const key = new URL(url);
  key.search = '';
  key.hash = '';
  return key.href;
}
