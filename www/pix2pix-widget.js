// The public module of <pix2pix-widget>; docs/embedding.md documents it.

export { Pix2PixWidget } from './widget/widget.js';
