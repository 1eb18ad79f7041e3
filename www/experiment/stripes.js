// Shapes filled with stripes that may lie anywhere, and how much of stripes there is in a picture.

import { softwareContext } from '../runtime/image.js';

const COLORS = ['#ffd23f', '#1d5fd0'];
/** Pixels of a stripe, in the squares that pairs are kept as. */
const WIDTH = 8;

/** What a shape is filled with. */
export function striped(context, random) {
  const tile = softwareContext(new OffscreenCanvas(COLORS.length * WIDTH, 1));
  COLORS.forEach((color, at) => {
    tile.fillStyle = color;
    tile.fillRect(at * WIDTH, 0, WIDTH, 1);
  });
  const pattern = context.createPattern(tile.canvas, 'repeat');
  pattern.setTransform(new DOMMatrix().translate(COLORS.length * WIDTH * random(), 0));
  return pattern;
}

/** The mean difference of neighbours inside the shape, where the target has a colour and the input none. */
export function texture(picture, { input, target }) {
  const isWhite = ({ data }, at) => data[at] + data[at + 1] + data[at + 2] > 740;
  const isInside = (at) => isWhite(input, at) && !isWhite(target, at);
  let [sum, count] = [0, 0];
  for (let at = 4; at < picture.data.length; at += 4) {
    if (!isInside(at) || !isInside(at - 4)) continue;
    count += 3;
    for (const channel of [0, 1, 2]) sum += Math.abs(picture.data[at + channel] - picture.data[at - 4 + channel]);
  }
  return sum / count;
}
