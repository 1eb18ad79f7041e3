// The public module; its types and documentation are in pix2pix.d.ts.

export { Pix2Pix, Pix2PixError } from './runtime/pix2pix.js';
