// netD's logits as a picture.

import { softwareContext } from '../runtime/image.js';

/** Pixels from one patch to the next: netD halves an image three times. */
const STRIDE = 8;
const MADE = [37, 99, 235];
const REAL = [245, 130, 20];
const OPACITY = 0.65;

/** The share of patches that netD takes for real. */
export function shareOfReal({ values }) {
  return values.filter((logit) => logit > 0).length / values.length;
}

/** The image under a square in the middle of each patch, between blue for made and orange for real. */
export function mapped(image, { values, width, height }) {
  const context = softwareContext(new OffscreenCanvas(image.width, image.height));
  context.putImageData(image, 0, 0);
  context.globalAlpha = OPACITY;
  const [left, top] = [(image.width - STRIDE * width) / 2, (image.height - STRIDE * height) / 2];
  values.forEach((logit, at) => {
    const real = 1 / (1 + Math.exp(-logit));
    const color = MADE.map((made, channel) => Math.round(made + real * (REAL[channel] - made)));
    context.fillStyle = `rgb(${color.join()})`;
    context.fillRect(left + STRIDE * (at % width), top + STRIDE * Math.floor(at / width), STRIDE, STRIDE);
  });
  return context.getImageData(0, 0, image.width, image.height);
}
