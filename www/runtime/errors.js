// The one error type of the page, the worker and the library, and how it
// crosses the worker boundary. No other module names an error code's meaning.

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
  'internal',
  'camera', // of the page alone
]);

export class Pix2PixError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = 'Pix2PixError';
    this.code = CODES.has(code) ? code : 'internal';
  }

  /** Anything that was thrown, as a Pix2PixError. */
  static from(thrown) {
    if (thrown instanceof Pix2PixError) return thrown;
    let message = thrown?.message || String(thrown);
    if (thrown instanceof WebAssembly.RuntimeError) {
      // Running out of memory within the module looks like any other trap.
      message = `The model's program stopped (${message}). Try again, or take a smaller photo.`;
    }
    return new Pix2PixError(codeOf(thrown, message), message, { cause: thrown });
  }
}

function codeOf(thrown, message) {
  if (CODES.has(thrown?.code)) return thrown.code;
  if (thrown?.name === 'AbortError') return 'aborted';
  // A failed allocation is a RangeError in every engine, and so are other
  // things; the text tells them apart.
  if (thrown instanceof RangeError && /memory|alloc|array length|buffer/i.test(message)) {
    return 'out-of-memory';
  }
  return 'internal';
}

export function abortedError(what = 'The job') {
  return new Pix2PixError('aborted', `${what} was cancelled.`);
}
