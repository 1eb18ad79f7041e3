// Stores the page for use without a network. The network comes first: nobody
// sees an old page while a new one is available. runtime/weights-store.js stores
// weights.

const STORE = 'pix2pix-page-1';
/** Where page/incoming.js finds what other programs share with the installed page. */
const SHARED = 'pix2pix-shared-1';

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
  } else if (request.method === 'POST' && isShare(new URL(request.url))) {
    event.respondWith(takeShared(request));
  }
});

/** The address in manifest.webmanifest. */
function isShare(url) {
  return url.searchParams.has('shared') && keyOf(url) === keyOf(worker.registration.scope);
}

/** Keeps the files for the page, which it opens: there is no server that could take them. */
async function takeShared(request) {
  const page = new URL('./?shared', location.href).href;
  try {
    await caches.delete(SHARED); // nobody has fetched it
    const files = (await request.formData()).getAll('files');
    const store = await caches.open(SHARED);
    for (const [index, file] of files.entries()) {
      if (!(file instanceof File)) continue;
      const address = new URL(`shared/${index}?name=${encodeURIComponent(file.name)}`, location.href);
      await store.put(address, new Response(file));
    }
  } catch {
    /* The page says that nothing has arrived. */
  }
  return Response.redirect(page, 303);
}

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
