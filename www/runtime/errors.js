// The one type of error. Only its code and message cross the worker boundary.

/** @type {Set<import('../pix2pix.js').Pix2PixErrorCode>} */
const CODES = new Set([
  'fetch',
  'integrity',
  'manifest',
  'version',
  'weights',
  'input-size',
  'no-webgpu',
  'device-lost',
  'out-of-memory',
  'aborted',
  // of a training
  'settings',
  'pairs',
  'checkpoint',
  'diverged',
  'internal',
  'camera', // only on the page
]);

export class Pix2PixError extends Error {
  /** @param {import('../pix2pix.js').Pix2PixErrorCode} code @param {string} message @param {ErrorOptions} [options] */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'Pix2PixError';
    this.code = CODES.has(code) ? code : 'internal';
  }

  /** Turns whatever was thrown into a Pix2PixError. */
  static from(thrown) {
    if (thrown instanceof Pix2PixError) return thrown;
    let message = thrown?.message || String(thrown);
    if (thrown instanceof WebAssembly.RuntimeError) {
      // A trap may also mean that memory ran out.
      message = `The model's program stopped (${message}). Try again, or take a smaller photo.`;
    }
    return new Pix2PixError(codeOf(thrown, message), message, { cause: thrown });
  }
}

function codeOf(thrown, message) {
  if (CODES.has(thrown?.code)) return thrown.code;
  if (thrown?.name === 'AbortError') return 'aborted';
  // In every engine a failed allocation is a RangeError; the text tells it
  // from others.
  if (thrown instanceof RangeError && /memory|alloc|array length|buffer/i.test(message)) {
    return 'out-of-memory';
  }
  return 'internal';
}

export function abortedError(what = 'The job') {
  return new Pix2PixError('aborted', `${what} was cancelled.`);
}
