// The row of buttons with a model's samples.

import { element } from '../view/element.js';
import { decodeImage, MAX_PIXELS } from '../runtime/image.js';
import { text } from '../view/language.js';

/** Shows `samples` in `list`, one after the other, as each is decoded whole. Removes those that fail. */
export async function showSamples(list, samples, onChoose) {
  const canvases = samples.map((_, index) =>
    element('canvas', {
      width: 192,
      height: 192,
      role: 'img',
      'aria-label': () => text('Sample {number}', { number: index + 1 }),
    }),
  );
  list.replaceChildren(
    ...samples.map((sample, index) =>
      element('li', {}, element('button', { type: 'button', on: { click: () => onChoose(sample) } }, canvases[index])),
    ),
  );
  for (const [index, canvas] of canvases.entries()) {
    try {
      const bitmap = await decodeImage(await samples[index].read(), { maxPixels: MAX_PIXELS });
      if (!canvas.isConnected) return;
      paintMiddle(canvas, bitmap);
    } catch {
      canvas.closest('li').remove();
    }
  }
}

/** Fills the canvas with the centre of `bitmap`, and closes it. */
function paintMiddle(canvas, bitmap) {
  const context = canvas.getContext('2d');
  const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  bitmap.close();
}
