// Before and after as one image, beside each other.

const GAP = 8;

/** The width of both halves, each `width` wide. */
export function widthOfBoth(width) {
  return 2 * width + GAP;
}

/** Paints both halves, each scaled to `width` and `height`; the first in grey where the model sees no colours. */
export function paintBeforeAfter(context, before, after, { width, height, isGrey }) {
  context.fillStyle = '#fff';
  context.fillRect(0, 0, widthOfBoth(width), height);
  context.drawImage(before, 0, 0, width, height);
  if (isGrey) {
    context.globalCompositeOperation = 'saturation';
    context.fillStyle = '#888';
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = 'source-over';
  }
  context.drawImage(after, width + GAP, 0, width, height);
}
