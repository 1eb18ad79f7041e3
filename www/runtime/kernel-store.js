// Which of the kernels for a graphics device are the fastest: measured once for each adapter and
// model, and kept with the browser. The runtime says what the text means and whether it still holds.

const STORE = 'pix2pix-kernels-1';
const MAX_ENTRIES = 40;
const MAX_LENGTH = 1 << 17;

/** '' if there is nothing. */
export async function readChoices(key) {
  if (!key) return '';
  try {
    const found = await (await caches.open(STORE)).match(addressOf(key));
    const text = found ? await found.text() : '';
    return text.length <= MAX_LENGTH ? text : '';
  } catch {
    return ''; // no Cache, as on pages without HTTPS
  }
}

/** Does not fail on a full disk: the next visit measures again. */
export async function storeChoices(key, text) {
  try {
    const store = await caches.open(STORE);
    await store.put(addressOf(key), new Response(text));
    const keys = await store.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MAX_ENTRIES)).map((old) => store.delete(old)));
  } catch {
    /* see above */
  }
}

/** A key for the Cache; nothing is fetched from this address. */
function addressOf({ adapter, sha256 }) {
  return new URL(`../.kernels/${encodeURIComponent(adapter ?? 'unknown')}/${sha256}`, import.meta.url).href;
}
