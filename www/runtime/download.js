// Downloads with progress and limits.

import { Pix2PixError } from './errors.js';

/** Fetches `url`; any status but 2xx is a 'fetch' error.
    @param {string} url @param {string} what @param {RequestCache} [cache] @param {HeadersInit} [headers] */
export async function open(url, what, cache = 'default', headers = {}) {
  let response;
  try {
    response = await fetch(url, { cache, headers });
  } catch (cause) {
    throw new Pix2PixError('fetch', '{what} could not be downloaded from {url}. Check the connection and try again.', {
      values: { what, url },
      cause,
    });
  }
  if (!response.ok) {
    throw new Pix2PixError(
      'fetch',
      '{what} could not be downloaded: {url} answered HTTP {status}. Check the connection and try again.',
      { values: { what, url, status: response.status } },
    );
  }
  return response;
}

/** The expected length, or null if the header counts compressed bytes. */
export function expectedLength(response) {
  if (response.headers.get('Content-Encoding')) return null;
  return Number(response.headers.get('Content-Length')) || null;
}

/** Passes each chunk and the bytes so far to `take`; stops if `take` returns false. */
export async function readChunks(response, take) {
  const reader = response.body.getReader();
  let loaded = 0;
  for (;;) {
    let step;
    try {
      step = await reader.read();
    } catch (cause) {
      throw new Pix2PixError(
        'fetch',
        'The connection was lost after {loaded} bytes of {url}. Check the connection and try again.',
        { values: { loaded, url: response.url }, cause },
      );
    }
    if (step.done) return loaded;
    loaded += step.value.byteLength;
    if (take(step.value, loaded) === false) {
      reader.cancel().catch(() => {});
      return loaded;
    }
  }
}

/** The whole body; more than `limit` bytes are refused. */
export async function readBlob(response, what, limit) {
  const chunks = [];
  const loaded = await readChunks(response, (chunk, sum) => chunks.push(chunk) > 0 && sum <= limit);
  if (loaded <= limit) return new Blob(chunks);
  throw new Pix2PixError('manifest', '{what} at {url} is larger than {limit} bytes.', {
    values: { what, url: response.url, limit },
  });
}
