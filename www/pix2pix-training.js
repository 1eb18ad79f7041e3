// The public module for training; its types and documentation are in pix2pix-training.d.ts.

export { Pix2PixError } from './runtime/errors.js';
export { Training } from './runtime/training.js';
