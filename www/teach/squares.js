// Images of pairs as the page keeps them: squares, large enough for every size that it
// teaches with.

import { softwareContext } from '../runtime/image.js';

/** The load size of training images of 256 pixels. */
export const SIDE = 286;

/** As many pairs as the page has memory for, 650 kB each. */
export const MOST_PAIRS = 500;

/** A part of a drawable image, `[x, y, width, height]`, squeezed into a square of ImageData. */
export function squareOf(image, part = [0, 0, image.width, image.height]) {
  const context = blank();
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, ...part, 0, 0, SIDE, SIDE);
  return context.getImageData(0, 0, SIDE, SIDE);
}

/** A square at another size. */
export async function scaled(square, side) {
  const bitmap = await createImageBitmap(square);
  const context = softwareContext(new OffscreenCanvas(side, side));
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, side, side);
  bitmap.close();
  return context.getImageData(0, 0, side, side);
}

/** A context for a white square. */
export function blank() {
  const context = softwareContext(new OffscreenCanvas(SIDE, SIDE));
  context.fillStyle = '#fff';
  context.fillRect(0, 0, SIDE, SIDE);
  return context;
}

const THUMBNAIL = 96;
const copy = softwareContext(new OffscreenCanvas(SIDE, SIDE));

/** A square on a small canvas: hundreds of pairs are listed. */
export function showSmall(square, canvas) {
  canvas.width = canvas.height = THUMBNAIL;
  copy.putImageData(square, 0, 0);
  const context = softwareContext(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(copy.canvas, 0, 0, THUMBNAIL, THUMBNAIL);
}

/** A square on a canvas of its own size. */
export function show(square, canvas) {
  canvas.width = square.width;
  canvas.height = square.height;
  softwareContext(canvas).putImageData(square, 0, 0);
}

/** How far a pixel of one is off from that of another on average, as a share of the way from black to white. */
export function errorOf({ data: output }, { data: target }) {
  let sum = 0;
  for (let at = 0; at < output.length; at++) if (at % 4 !== 3) sum += Math.abs(output[at] - target[at]);
  return sum / (output.length * 0.75) / 255;
}
