// Images as callers have them, on their way to a worker.

import { Pix2PixError } from './errors.js';

/** A copy of the source that can be sent to the worker. */
export async function asMessage(source) {
  if (source instanceof ImageData) {
    const rgba = source.data.slice().buffer;
    return { payload: { rgba, width: source.width, height: source.height }, transfer: [rgba] };
  }
  if (source instanceof Blob) return { payload: { blob: source }, transfer: [] };
  const isDrawable = [ImageBitmap, HTMLImageElement, HTMLCanvasElement].some((kind) => source instanceof kind);
  if (!isDrawable) {
    throw new Pix2PixError(
      'input-size',
      'There is no picture: pass ImageData, an ImageBitmap, an image or canvas element, or a Blob.',
    );
  }
  try {
    const bitmap = await createImageBitmap(source, { premultiplyAlpha: 'default', colorSpaceConversion: 'none' });
    return { payload: { bitmap }, transfer: [bitmap] };
  } catch (cause) {
    throw new Pix2PixError('input-size', 'The picture has no pixels yet: wait until it has loaded.', { cause });
  }
}
