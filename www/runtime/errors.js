// The one type of error. Only its code and its text cross the worker boundary.

import { fill, phrase } from './phrase.js';

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
  /** The text may have places for `values`, `{name}`.
      @param {import('../pix2pix.js').Pix2PixErrorCode} code @param {string} template
      @param {ErrorOptions & { values?: Record<string, import('./phrase.js').Value> }} [options] */
  constructor(code, template, { values = {}, ...options } = {}) {
    super(fill(template, values), options);
    this.name = 'Pix2PixError';
    this.template = template;
    this.values = values;
    this.code = CODES.has(code) ? code : 'internal';
  }

  /** Turns whatever was thrown into a Pix2PixError. */
  static from(thrown) {
    if (thrown instanceof Pix2PixError) return thrown;
    const message = thrown?.message || String(thrown);
    if (thrown instanceof WebAssembly.RuntimeError) {
      // A trap may also mean that memory ran out.
      const stopped = phrase('The model’s program stopped ({why}). Try again, or take a smaller photo.');
      return new Pix2PixError(codeOf(thrown, message), stopped, { values: { why: message }, cause: thrown });
    }
    const { template = message, values } = thrown ?? {};
    return new Pix2PixError(codeOf(thrown, message), template, { values, cause: thrown });
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

export function abortedError(what = phrase('The job')) {
  return new Pix2PixError('aborted', '{what} was cancelled.', { values: { what } });
}
